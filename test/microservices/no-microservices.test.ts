import { expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

it('without @nestjs/microservices the entry point loads, and the start says what to install', async () => {
  expect(await runFixture(new URL('no-microservices.fixture.ts', import.meta.url))).toEqual({
    message:
      'nestjs-cancelable/microservices needs the package @nestjs/microservices: npm install @nestjs/microservices',
  });
});
