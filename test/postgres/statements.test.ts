import { describe, expect, it } from '@jest/globals';
import { isSingle, kindOf, rollbackFor } from '../../lib/postgres/statements.js';

describe('the kind of a statement', () => {
  it.each([
    ...[
      'ROLLBACK',
      'rollback;',
      ' ROLLBACK TO SAVEPOINT a ;',
      'ABORT',
      'RELEASE SAVEPOINT a',
      'DISCARD ALL',
    ],
    ...[
      '/* why */ ROLLBACK',
      '-- why\n ROLLBACK',
      'DEALLOCATE a',
      'RESET ALL',
      'CLOSE a',
      'UNLISTEN *',
    ],
    ...['SELECT pg_advisory_unlock(1)', 'select pg_catalog.pg_advisory_unlock_all ()'],
  ])('is cleanup: %j', (text) => expect(kindOf(text)).toBe('cleanup'));

  it.each([
    'COMMIT',
    'commit;',
    'END',
    'END TRANSACTION',
    '/* a */ COMMIT AND CHAIN',
    'COMMIT WORK',
  ])('is commit: %j', (text) => expect(kindOf(text)).toBe('commit'));

  it.each(['BEGIN', 'START TRANSACTION', 'SAVEPOINT a', "SET a = '1'", "PREPARE TRANSACTION 'a'"])(
    'is control: %j',
    (text) => expect(kindOf(text)).toBe('control'),
  );

  it.each([
    ...['SELECT 1', 'ROLLBACK; SELECT pg_sleep(10)', 'COMMIT; SELECT 1', "COMMIT PREPARED 'a'", ''],
    ...['rollbacks', 'SELECT pg_advisory_lock(1)', 'endless', 'commit_log', '-- ROLLBACK'],
  ])('is other: %j', (text) => expect(kindOf(text)).toBe('other'));

  it('is told in no time for a text that is made to take long', () => {
    const blanks = ' '.repeat(200_000);
    for (const text of [
      `SELECT${blanks}1`,
      `${blanks}x`,
      `/*${'*'.repeat(200_000)}`,
      `--${blanks}x`,
      `ROLLBACK${blanks};x`,
    ]) {
      expect(kindOf(text)).toBe('other');
    }
    expect(isSingle(`SELECT 1;${blanks}`)).toBe(true);
  });

  it('gives the rollback in place of a commit', () => {
    expect(rollbackFor('COMMIT')).toBe('ROLLBACK');
    expect(rollbackFor('/* a */ end transaction and chain;')).toBe(
      'ROLLBACK transaction and chain;',
    );
  });
});
