import { readFileSync, existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

type Target = string | Record<string, string>;

const root = new URL('../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  type: string;
  files: string[];
  exports: Record<string, Target>;
};

const entryPoints = Object.entries(manifest.exports).filter(
  ([subPath]) => subPath !== './package.json',
);

describe('package.json', () => {
  it.each(entryPoints)('exports %s from an index.ts that the build emits', (subPath, target) => {
    const folder = subPath === '.' ? '' : `${subPath.slice('./'.length)}/`;

    expect(target).toEqual({
      types: `./dist/${folder}index.d.ts`,
      default: `./dist/${folder}index.js`,
    });
    expect(existsSync(new URL(`lib/${folder}index.ts`, root))).toBe(true);
  });

  it('puts types before default, as conditions are matched in order', () => {
    for (const [, target] of entryPoints) {
      expect(Object.keys(target)).toEqual(['types', 'default']);
    }
  });

  it('is an ES module that ships the build and its papers only', () => {
    expect(manifest.type).toBe('module');
    expect(manifest.files).toEqual(['dist', 'README.md', 'LICENSE', 'CHANGELOG.md']);
  });
});
