import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { PastedPage } from '../support/pasted-page.js';

/** Runs the page's own tests in another jest. @returns the status of each by its title */
async function run(edit?: (code: string) => string): Promise<Record<string, string>> {
  const page = await PastedPage.of('docs/recipes/unit-test.md', edit);
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--json',
      '--forceExit',
      '--testMatch',
      join(page.folder, '*.spec.ts'),
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const exited = once(child, 'exit');
  const results = JSON.parse(await text(child.stdout));
  await exited;
  return Object.fromEntries(
    results.testResults.flatMap(({ assertionResults }: any) =>
      assertionResults.map(({ title, status }: any) => [title, status]),
    ),
  );
}

describe('the recipe for a unit test', () => {
  it('passes, and fails when the service does not stop', async () => {
    expect(await run()).toEqual({
      'copies all pages': 'passed',
      'stops after 30 seconds, and gives its lock back': 'passed',
      'stops when its caller is canceled': 'passed',
    });
    const deaf = (code: string) =>
      code.replace("operation.sleep('1s')", 'new Promise((done) => setTimeout(done, 1_000))');
    expect(await run(deaf)).toMatchObject({
      'copies all pages': 'passed',
      'stops after 30 seconds, and gives its lock back': 'failed',
      'stops when its caller is canceled': 'failed',
    });
  });
});
