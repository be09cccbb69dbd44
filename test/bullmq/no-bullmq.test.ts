import { expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

it('without bullmq the entry point loads, and the start says what to install', async () => {
  expect(await runFixture(new URL('no-bullmq.fixture.ts', import.meta.url))).toEqual({
    message: 'nestjs-cancelable/bullmq needs the package bullmq: npm install bullmq',
  });
});
