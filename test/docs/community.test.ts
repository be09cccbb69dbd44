import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

const read = (path: string) => readFileSync(path, 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  version: string;
  scripts: Record<string, string>;
};

describe('the files for contributors', () => {
  it('name scripts and files that exist', () => {
    const text = read('CONTRIBUTING.md');
    for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) {
      expect(Object.keys(manifest.scripts)).toContain(script);
    }
    for (const [, path = ''] of text.matchAll(/npm test -- ([\w/]+)/g)) {
      expect([path, `${path}.test.ts`].some((each) => existsSync(each))).toBe(true);
    }
  });

  it('begin with a change that a test notices', () => {
    const [, file = '', words = ''] =
      /In `([\w/.-]+)`, .* instead of `([^`]+)`/s.exec(read('CONTRIBUTING.md')) ?? [];
    expect(read(file)).toContain(words);
    expect(read('test/operation/deadlines.test.ts')).toContain(words);
  });

  it('have a workflow that runs the whole check', () => {
    const { jobs } = parse(read('.github/workflows/ci.yml'));
    expect(jobs.check.steps.at(-1)).toEqual({ run: '.ci/run' });
  });

  it('have forms for issues that are complete', () => {
    for (const name of readdirSync('.github/ISSUE_TEMPLATE')) {
      const form = parse(read(`.github/ISSUE_TEMPLATE/${name}`));
      expect(form).toMatchObject({
        name: expect.any(String),
        description: expect.any(String),
        labels: [expect.any(String)],
      });
      const fields = form.body.filter(({ type }: { type: string }) => type !== 'markdown');
      for (const { id, attributes } of fields) {
        expect([id, attributes.label]).toEqual([expect.any(String), expect.any(String)]);
      }
    }
  });

  it('hold no addresses that do not exist', () => {
    for (const name of ['repository', 'bugs', 'homepage'])
      expect(manifest).not.toHaveProperty(name);
    for (const page of ['SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md']) {
      expect(read(page)).not.toMatch(/[\w.]+@[\w-]+\.\w+|TODO|example\.(com|org)|github\.com/);
    }
  });
});

describe('the changelog', () => {
  it('has the version of the package, and what comes after it', () => {
    const sections = [...read('CHANGELOG.md').matchAll(/^## \[(.+?)\]/gm)].map(([, name]) => name);
    expect(sections).toEqual(['Unreleased', manifest.version]);
  });
});
