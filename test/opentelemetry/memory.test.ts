import { expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

it('a span that has ended is not kept with its operation, which the history remembers', async () => {
  const fixture = new URL('memory.fixture.ts', import.meta.url);
  expect(await runFixture(fixture, '--expose-gc')).toEqual({ history: 20, begun: 20, kept: 0 });
});
