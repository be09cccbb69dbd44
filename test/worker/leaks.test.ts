import { describe, expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

describe('after thousands of tasks, half of them canceled', () => {
  it('nothing is left or unhandled, and nothing keeps the process alive', async () => {
    const report = await runFixture<Record<string, number>>(
      new URL('leaks.fixture.ts', import.meta.url),
      '--expose-gc',
    );

    expect(report).toMatchObject({
      ports: 0,
      exitListeners: 0,
      unhandled: 0,
      listeners: 0,
      timers: 0,
      live: 1,
    });
    // Bytes, warming up included; what one task holds while it runs takes several thousand.
    expect(report['heapPerTask']).toBeLessThan(500);
  }, 120_000);
});
