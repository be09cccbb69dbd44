import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

interface Project {
  readonly root: string;
  readonly sourceRoot: string;
  readonly entryFile: string;
}

describe('nest-cli.json', () => {
  const config = JSON.parse(readFileSync('nest-cli.json', 'utf8')) as Project & {
    projects: Record<string, Project>;
  };

  it('has a project for each sample, so that `npm start <name>` runs it', () => {
    expect(Object.keys(config.projects).sort()).toEqual(
      readdirSync('sample').filter((name) => /^\d/.test(name)),
    );
    for (const [name, { root, sourceRoot, entryFile }] of Object.entries(config.projects)) {
      expect([root, entryFile]).toEqual([`sample/${name}`, `${name}/main`]);
      expect(existsSync(`${sourceRoot}/${entryFile}.ts`)).toBe(true);
    }
  });

  it('starts the showcase by default', () => {
    expect(config.projects['01-showcase']).toMatchObject({
      root: config.root,
      sourceRoot: config.sourceRoot,
      entryFile: config.entryFile,
    });
  });
});
