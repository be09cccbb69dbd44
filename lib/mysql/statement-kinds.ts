import type { Command } from './mysql2-library.js';

/**
 * How a cancel treats a statement: `cleanup` runs whatever happens, `commit` is not interrupted once
 * it has begun.
 */
export type StatementKind = 'ordinary' | 'commit' | 'cleanup';

/** White space and comments in front of a statement. */
const LEADING = /^(?:\s|\/\*[^]*?\*\/|(?:--\s|#).*)+/;
const CLEANUP =
  /^(?:ROLLBACK|RELEASE\s+SAVEPOINT|UNLOCK\s+TABLES?|(?:SELECT|DO)\s+RELEASE_(?:ALL_LOCKS|LOCK)\s*\(|(?:DEALLOCATE|DROP)\s+PREPARE|DROP\s+TEMPORARY\s+TABLE|KILL|XA\s+ROLLBACK)(?!\w)/i;
const COMMIT = /^(?:XA\s+)?COMMIT(?!\w)/i;

/** @param several whether a text may have several statements */
export function kindOf(sql: unknown, several: boolean): StatementKind {
  if (typeof sql !== 'string') return 'ordinary';
  const text = sql.replace(LEADING, '');
  const kind = CLEANUP.test(text) ? 'cleanup' : COMMIT.test(text) ? 'commit' : 'ordinary';
  return kind !== 'ordinary' && several && /;\s*\S/.test(text) ? 'ordinary' : kind;
}

export function isPrepare(command: Command): boolean {
  return Object.hasOwn(command, 'parameterDefinitions');
}

export function isExecute(command: Command): boolean {
  return Object.hasOwn(command, 'statement') && Object.hasOwn(command, 'parameters');
}

export function sqlOf(command: Command): unknown {
  if (isPrepare(command)) return command.query;
  return command.sql ?? command.statement?.query;
}
