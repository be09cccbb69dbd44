import { describe, expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

interface Found {
  readonly outcomes: readonly string[];
  readonly live: number;
  readonly unhandled: readonly string[];
}

describe('recursion that runs out of stack', () => {
  it('leaves nothing live, and no unhandled rejection', async () => {
    const found = await runFixture<Record<string, Found>>(
      new URL('stack-overflow.fixture.ts', import.meta.url),
    );
    expect(Object.keys(found).length).toBeGreaterThan(10);
    for (const [name, { outcomes, live, unhandled }] of Object.entries(found)) {
      expect({ name, outcomes, live, unhandled }).toEqual({
        name,
        outcomes: ['RangeError'],
        live: 0,
        unhandled: [],
      });
    }
  });
});
