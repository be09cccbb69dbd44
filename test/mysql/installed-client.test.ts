import { expect, it } from '@jest/globals';
import { mysql } from 'nestjs-cancelable/mysql';
import { thrown } from '../support/deferred.js';
import { runFixture } from '../support/fixture.js';

it('without mysql2 the entry point loads, and the start says what to install', async () => {
  expect(await runFixture(new URL('no-mysql2.fixture.ts', import.meta.url))).toEqual({
    message: 'nestjs-cancelable/mysql needs the package mysql2: npm install mysql2',
  });
});

it('mysql() takes no options', () => {
  const call = mysql as (options: unknown) => unknown;
  expect(thrown(() => call({ timeout: '1s' }))).toBeInstanceOf(TypeError);
  expect(thrown(() => call({ timeout: '1s' })).message).toContain("'timeout'");
});
