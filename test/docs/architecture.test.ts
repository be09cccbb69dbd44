import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { pages, readPage } from './pages.js';

const { prose } = readPage('docs/architecture.md');

describe('the map of the architecture', () => {
  it('has every folder of the library, and no other', () => {
    const folders = readdirSync('lib', { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    const mapped = [...prose.matchAll(/^\| `lib\/([\w-]+)`/gm)].map(([, name]) => name!);
    expect(mapped.sort()).toEqual(folders.sort());
  });

  it('names files that exist, as other pages do', () => {
    const missing = pages.flatMap((page) =>
      [...page.prose.matchAll(/`((?:lib|scripts|test|sample)\/[\w./-]+\.\w+)`/g)]
        .filter(([, file]) => !existsSync(file!))
        .map(([, file]) => `${page.path}: ${file}`),
    );
    expect(missing).toEqual([]);
  });

  it('names functions that their files have', () => {
    const named = [...prose.matchAll(/`(\w+)\(\)` in `(lib\/[\w./-]+)`/g)];
    expect(named.length).toBeGreaterThan(4);
    const missing = named.filter(
      ([, name, file]) => !new RegExp(`\\b${name}[(<]`).test(readFileSync(file!, 'utf8')),
    );
    expect(missing.map(([text]) => text)).toEqual([]);
  });
});
