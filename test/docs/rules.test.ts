import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { readPage } from './pages.js';

const { prose } = readPage('docs/semantics.md');
const sections = prose.split(/^### Rule /m).slice(1);
const rules = sections.map((section) => Number.parseInt(section, 10));

/** The rules that titles of tests cite. */
const cited = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && !file.startsWith('docs'))
  .flatMap((file) => [...readFileSync(`test/${file}`, 'utf8').matchAll(/\brule (\d+)\b/g)])
  .map(([, number]) => Number(number));

describe('the rules of the semantics', () => {
  it('have numbers without a gap', () => {
    expect(rules).toEqual(Array.from({ length: 26 }, (_, index) => index + 1));
  });

  it('are those that tests cite', () => {
    expect(cited.length).toBeGreaterThan(50);
    expect([...new Set(cited)].filter((number) => !rules.includes(number))).toEqual([]);
  });

  it('each say why', () => {
    expect(sections.filter((section) => !section.includes('\n_Why:_ '))).toEqual([]);
  });

  it('each name the tests that hold them', () => {
    expect(sections.filter((section) => !/^_Tests:_ `test\//m.test(section))).toEqual([]);
  });
});
