import { readFileSync, existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

type Conditions = Record<string, Record<string, string>>;

const root = new URL('../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  type: string;
  main: string;
  types: string;
  files: string[];
  exports: Record<string, Conditions>;
  typesVersions: Record<string, Record<string, string[]>>;
};

const entryPoints = Object.entries(manifest.exports).filter(
  ([subPath]) => subPath !== './package.json',
);

describe('package.json', () => {
  it.each(entryPoints)('exports %s in both formats, from an index.ts', (subPath, conditions) => {
    const folder = subPath === '.' ? '' : `${subPath.slice('./'.length)}/`;
    const esm = { types: `./dist/${folder}index.d.ts`, default: `./dist/${folder}index.js` };
    const cjs = {
      types: `./dist/cjs/${folder}index.d.ts`,
      default: `./dist/cjs/${folder}index.js`,
    };

    expect(conditions).toEqual({ import: esm, 'module-sync': esm, require: cjs, default: esm });
    expect(existsSync(new URL(`lib/${folder}index.ts`, root))).toBe(true);
  });

  it('has the conditions in the order in which they are to be matched', () => {
    for (const [, conditions] of entryPoints) {
      expect(Object.keys(conditions)).toEqual(['import', 'module-sync', 'require', 'default']);
      for (const target of Object.values(conditions)) {
        expect(Object.keys(target)).toEqual(['types', 'default']);
      }
    }
  });

  it('names every entry point for those who know no exports map', () => {
    expect(manifest.main).toBe(manifest.exports['.']?.['require']?.['default']);
    expect(manifest.types).toBe(manifest.exports['.']?.['require']?.['types']);
    const known = entryPoints
      .filter(([subPath]) => subPath !== '.')
      .map(([subPath, { require }]) => [subPath.slice(2), [require?.['types']?.slice(2)]]);
    expect(manifest.typesVersions).toEqual({ '*': Object.fromEntries(known) });
  });

  it('is an ES module by default that ships the build and its documentation only', () => {
    expect(manifest.type).toBe('module');
    expect(manifest.files).toEqual([
      'dist',
      'docs/**/*.md',
      'docs/images',
      'grafana',
      'README.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      'LICENSE',
      'CHANGELOG.md',
    ]);
  });
});
