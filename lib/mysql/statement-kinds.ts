import type { Command } from './mysql2-library.js';

/**
 * How a cancel treats a statement: `cleanup` runs whatever happens, a commit is not interrupted once
 * it has begun, and `commit` becomes a ROLLBACK if it has not.
 */
export type StatementKind = 'ordinary' | 'commit' | 'xa-commit' | 'cleanup';

/** White space and comments in front of a statement. */
const LEADING = /^(?:\s|\/\*[^]*?\*\/|(?:--\s|#).*)+/;
const CLEANUP =
  /^(?:ROLLBACK|RELEASE\s+SAVEPOINT|UNLOCK\s+TABLES?|(?:SELECT|DO)\s+RELEASE_(?:ALL_LOCKS|LOCK)\s*\(|(?:DEALLOCATE|DROP)\s+PREPARE|DROP\s+TEMPORARY\s+TABLE|KILL|XA\s+ROLLBACK)(?!\w)/i;
const COMMIT = /^COMMIT(?!\w)/i;
const XA_COMMIT = /^XA\s+COMMIT(?!\w)/i;

/** @param several whether a text may have several statements */
export function kindOf(sql: unknown, several: boolean): StatementKind {
  if (typeof sql !== 'string') return 'ordinary';
  const text = sql.replace(LEADING, '');
  const kind = kindOfOne(text);
  return kind !== 'ordinary' && several && /;\s*\S/.test(text) ? 'ordinary' : kind;
}

function kindOfOne(text: string): StatementKind {
  if (CLEANUP.test(text)) return 'cleanup';
  if (COMMIT.test(text)) return 'commit';
  return XA_COMMIT.test(text) ? 'xa-commit' : 'ordinary';
}

export function isPrepare(command: Command): boolean {
  return Object.hasOwn(command, 'parameterDefinitions');
}

/**
 * Whether it is an EXECUTE behind its own PREPARE. Where that fails, the library tells the caller of
 * both, and lets this one do nothing.
 */
export function isUnprepared(command: Command): boolean {
  return Object.hasOwn(command, 'parameters') && command.statement === undefined;
}

export function sqlOf(command: Command): unknown {
  if (isPrepare(command)) return command.query;
  return command.sql ?? command.statement?.query;
}
