import { describe, expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

describe('rules 6, 14 and 18: what is late or lost is never an unhandled rejection', () => {
  it('holds for all that nobody can listen to', async () => {
    const unhandled = await runFixture<Record<string, string[]>>(
      new URL('unhandled.fixture.ts', import.meta.url),
    );
    const control = 'a rejection that is really nobody’s';
    const found = Object.entries(unhandled).filter(([, errors]) => errors.length > 0);

    expect(found).toEqual([[control, ['Error: control']]]);
    expect(Object.keys(unhandled).length).toBeGreaterThan(10);
  });
});
