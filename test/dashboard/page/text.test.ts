import { describe, expect, it } from '@jest/globals';
import { countOf, formatDuration, formatRate } from '../../../lib/dashboard/page/logic/format.js';
import { clip, visibleText } from '../../../lib/dashboard/page/logic/visible-text.js';

describe('Text of an operation', () => {
  it('has no character that is not seen', () => {
    expect(visibleText('a\u0000b\u0007\u001b[31m\u007f')).toBe('a␀b␇␛[31m␡');
    expect(visibleText('file\u202Egpj.exe\u2066\u200B')).toBe(
      'file⟨U+202E⟩gpj.exe⟨U+2066⟩⟨U+200B⟩',
    );
    expect(visibleText('two\nlines\u2028three')).toBe('two␊lines⟨U+2028⟩three');
  });

  it('keeps the lines of what has lines, and what joins letters', () => {
    expect(visibleText('at a\n\tat b\r', true)).toBe('at a\n\tat b␍');
    expect(visibleText('👩‍🚀 नमस्ते')).toBe('👩‍🚀 नमस्ते');
  });

  it('is clipped, and never within a character', () => {
    expect(clip('short', 5)).toBe('short');
    expect(clip('longer', 5)).toBe('longe…');
    expect(clip('abcd😀', 5)).toBe('abcd…');
  });
});

describe('A duration', () => {
  it.each([
    [0, '0 ms'],
    [0.347, '0.35 ms'],
    [420.4, '420 ms'],
    [4_280, '4.2 s'],
    [42_900, '42 s'],
    [185_000, '3 m 05 s'],
    [8_040_000, '2 h 14 m'],
    [273_600_000, '3 d 4 h'],
    [-1_000, '−1.0 s'],
    [Number.NaN, '–'],
  ])('of %d ms is %s', (span, text) => {
    expect(formatDuration(span)).toBe(text);
  });
});

describe('A number', () => {
  it('is said with what is counted', () => {
    expect([countOf(1, 'operation'), countOf(10_000, 'operation')]).toEqual([
      '1 operation',
      '10,000 operations',
    ]);
    expect([formatRate(0), formatRate(0.254), formatRate(1_234)]).toEqual([
      '0/s',
      '0.25/s',
      '1.2K/s',
    ]);
  });
});
