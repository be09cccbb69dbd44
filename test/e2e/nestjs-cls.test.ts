import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

describe('nestjs-cls beside this library', () => {
  it('both keep their contexts, wherever it is mounted, and clients that leave cancel', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--import',
      new URL('../support/typescript.mjs', import.meta.url).href,
      fileURLToPath(new URL('nestjs-cls.fixture.ts', import.meta.url)),
    ]);

    expect(stderr).toBe('');
    const results = JSON.parse(stdout) as unknown[];
    expect(results).toHaveLength(6);
    for (const result of results) {
      expect(result).toEqual({
        both: { user: 'ada', parent: 'GET /both' },
        late: 504,
        seen: ['ticks for ada', 'waits for ada'],
        reasons: [
          ['GET /both', null],
          ['GET /late', 'timeout'],
          ['GET /waits', 'disconnect'],
          ['GET /observable', 'disconnect'],
        ],
      });
    }
  });
});
