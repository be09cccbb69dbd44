import { expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

it('the package undici is not needed', async () => {
  expect(await runFixture(new URL('no-undici.fixture.ts', import.meta.url))).toEqual({
    message: 'it started',
  });
});
