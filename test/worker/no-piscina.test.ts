import { expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

it('without piscina the entry point loads, and createThreadPool() says what to install', async () => {
  expect(await runFixture(new URL('no-piscina.fixture.ts', import.meta.url))).toEqual({
    message: 'createThreadPool() needs the package piscina: npm install piscina',
    loaded: 'function',
  });
});
