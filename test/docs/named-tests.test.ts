import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { at, pages } from './pages.js';

/** A file of tests, and the titles that a page may quote after it: `test/a.test.ts`: "one", "two". */
const NAMED =
  /\btest\/[\w./-]+\.(?:ts|mjs)\b(?:`?(?:\]\([^)\s]*\))?:((?:,?(?:\s| and )+"[^"]+")+))?/g;

describe('the tests that the documentation names', () => {
  const named = pages.flatMap((page) =>
    [...page.prose.matchAll(NAMED)].map(({ 0: match, 1: quoted = '', index }) => ({
      where: at(page, page.prose, index),
      file: match.split(/[`:\]]/, 1)[0],
      titles: [...quoted.matchAll(/"([^"]+)"/g)].map(([, title = '']) =>
        title.replaceAll(/\s+/g, ' '),
      ),
    })),
  );

  it('are files that exist', () => {
    const missing = named.filter(({ file }) => !existsSync(file!));
    expect(missing.map(({ where, file }) => `${where}: ${file}`)).toEqual([]);
  });

  it('have the titles that are quoted', () => {
    const missing = named
      .filter(({ file }) => existsSync(file!))
      .flatMap(({ where, file, titles }) => {
        const source = readFileSync(file!, 'utf8').replaceAll(/\\(['"`])/g, '$1');
        return titles
          .filter((title) => !["'", '"', '`'].some((mark) => source.includes(mark + title + mark)))
          .map((title) => `${where}: ${file}: ${title}`);
      });
    expect(missing).toEqual([]);
  });

  it('prove each row of the comparison with hother-cancelable', () => {
    const rows = pages
      .flatMap(({ prose }) => prose.split('\n'))
      .filter((line) => /^\| \d+ +\|/.test(line));
    expect(rows).toHaveLength(47);
    let count = 0;
    for (const row of rows) {
      const [, number, , , tests] = row.split('|');
      for (const [, name] of (tests ?? '').matchAll(/`([\w/-]+)`/g)) {
        count++;
        const text = readFileSync(`test/${name}.test.ts`, 'utf8');
        expect(text).toContain(name?.startsWith('parity/') ? `row ${number?.trim()}: ` : 'expect(');
      }
    }
    expect(count).toBeGreaterThan(50);
  });
});
