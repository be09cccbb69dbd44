import { expect, it } from '@jest/globals';
import { redisCommands } from 'nestjs-cancelable/redis';
import { thrown } from '../support/deferred.js';
import { runFixture } from '../support/fixture.js';

const run = (name: string) => runFixture(new URL(`${name}.fixture.ts`, import.meta.url));

it('without a client of Redis the entry point loads, and the start says what to install', async () => {
  expect(await run('no-clients')).toEqual({
    message:
      'nestjs-cancelable/redis needs the package ioredis or redis: npm install ioredis, or npm install redis',
  });
});

it.each(['no-ioredis', 'no-redis'])('one client is enough: %s', async (name) => {
  expect(await run(name)).toEqual({ message: 'it started' });
});

it('redisCommands() takes no options', () => {
  const call = redisCommands as (options: unknown) => unknown;
  expect(thrown(() => call({ timeout: '1s' }))).toBeInstanceOf(TypeError);
  expect(thrown(() => call({ timeout: '1s' })).message).toContain("'timeout'");
});
