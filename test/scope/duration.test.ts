import { describe, expect, it } from '@jest/globals';
import { CancelationToken, duration, OperationRegistry } from 'nestjs-cancelable';
import { formatDuration } from '../../lib/scope/duration.js';
import { thrown } from '../support/deferred.js';

const YEAR = duration('1y');

describe('durations: what is accepted', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1.5s', 1_500],
    ['10 seconds', 10_000],
    [1, 1],
    [0.5, 0.5],
    [30_000, 30_000],
  ])('%p is %p ms', (given, milliseconds) => {
    expect(duration(given)).toBe(milliseconds);
  });

  it('accepts exactly a year, whether as text or as a number', () => {
    expect(duration('1y')).toBe(YEAR);
    expect(duration(YEAR)).toBe(YEAR);
  });
});

describe('durations: what is refused', () => {
  it.each([
    ['a string without a unit', '30'],
    ['a string without a unit, padded', ' 30 '],
    ['a string with an exponent and no unit', '1e3'],
    ['NaN', NaN],
    ['a negative number', -1],
    ['a negative string', '-5s'],
    ['Infinity', Infinity],
    ['negative Infinity', -Infinity],
    ['more than a year', '2y'],
    ['more than a year in milliseconds', YEAR + 1],
    ['a literal 0', 0],
    ['0 with a unit', '0s'],
    ['an unknown unit', '5 parsecs'],
    ['an empty string', ''],
    ['blanks', '   '],
    ['a very long string', `${'1'.repeat(200)}ms`],
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['an object', {}],
    ['a bigint', 5n],
  ])('refuses %s', (_, given) => {
    expect(() => duration(given as string)).toThrow(TypeError);
  });

  it('says what was given, what is allowed and where', () => {
    const { message } = thrown(() => duration('5 parsecs')) as Error;

    expect(message).toContain('duration()');
    expect(message).toContain("'5 parsecs'");
    expect(message).toContain("'250ms', '30s', '5m', '2h'");
    expect(message).toContain('more than 0 and at most a year');
  });

  it('says how to fix a string without a unit', () => {
    const { message } = thrown(() => duration('30')) as Error;
    expect(message).toContain("'30ms', '30s'");
    expect(message).toContain('pass the number itself');
  });

  it('says how to fix a literal 0', () => {
    expect((thrown(() => duration(0)) as Error).message).toContain('write false');
  });

  it('says how to fix more than a year', () => {
    const { message } = thrown(() => duration(1_000 * YEAR)) as Error;
    expect(message).toContain('numbers are milliseconds');
  });

  it('names the place: the option of the method that was called', () => {
    const registry = new OperationRegistry();
    const { message } = thrown(() => registry.start({ name: 'job', timeout: '30' })) as Error;
    expect(message).toContain('registry.start(): timeout');
    expect(message).toContain('or false');
  });

  it.each([
    ['timeout', () => CancelationToken.timeout('later')],
    ['any', () => CancelationToken.any('later')],
    ['sleep', () => new CancelationToken().sleep('later')],
    ['zombies.after', () => new OperationRegistry({ zombies: { after: 'later' } })],
    ['history.maxAge', () => new OperationRegistry({ history: { maxAge: 'later' } })],
    ['olderThan', () => new OperationRegistry().list({ olderThan: 'later' })],
  ])('is refused in %s too', (_, call) => {
    expect(call).toThrow(/'later' is not a valid duration/);
  });
});

describe('durations: written for people', () => {
  it.each([
    [250, '250ms'],
    [1_500, '1.5s'],
    [59_940, '59.9s'],
    [60_000, '1m'],
    [90_000, '1m 30s'],
    [119_900, '2m'],
    [86_400_000 * 40 + 5_000, '40d'],
    [7_200_000, '2h'],
  ])('%p ms reads %p', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});
