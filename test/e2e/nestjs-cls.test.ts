import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { compiled } from '../support/plain-node.js';

describe('nestjs-cls beside this library', () => {
  it('both keep their contexts, wherever it is mounted, and clients that leave cancel', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      compiled(new URL('nestjs-cls.fixture.ts', import.meta.url)),
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
