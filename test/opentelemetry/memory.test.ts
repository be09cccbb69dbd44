import { expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

it('no span is kept with an operation that the history remembers, nor one that nobody consumes', async () => {
  const fixture = new URL('memory.fixture.ts', import.meta.url);
  expect(await runFixture(fixture, '--expose-gc')).toEqual({
    history: 21,
    begun: 22,
    last: ['Feeds.lines', true],
    kept: 0,
  });
});
