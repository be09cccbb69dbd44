import { expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

it('without pg the entry point loads, and the start says what to install', async () => {
  expect(await runFixture(new URL('no-pg.fixture.ts', import.meta.url))).toEqual({
    message: 'nestjs-cancelable/postgres needs the package pg: npm install pg',
  });
});
