import { beforeAll, describe, expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

describe('rules 1, 6, 14 and 18: what is late or lost is never an unhandled rejection', () => {
  let unhandled: Record<string, string[]>;

  beforeAll(async () => {
    unhandled = await runFixture(new URL('unhandled.fixture.ts', import.meta.url));
  });

  it('holds for all that nobody can listen to', () => {
    const found = Object.keys(unhandled).filter((name) => unhandled[name]!.length > 0);
    expect(found).toEqual([
      'a rejection that is really nobody’s',
      'a listener on the signal that throws',
    ]);
    expect(unhandled['a rejection that is really nobody’s']).toEqual(['Error: control']);
    expect(Object.keys(unhandled).length).toBeGreaterThan(10);
  });

  it('leaves to Node what a listener on a signal throws', () => {
    expect(unhandled['a listener on the signal that throws']).toEqual([
      'uncaught: Error: listener',
    ]);
  });
});
