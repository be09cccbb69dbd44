import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

describe('TypeScript in plain Node', () => {
  it('runs an application with decorators, beside a CommonJS package that requires Nest', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import',
      new URL('typescript.mjs', import.meta.url).href,
      path('plain-node.fixture.ts'),
    ]);

    expect(stdout.trim()).toBe('injected object');
  });
});
