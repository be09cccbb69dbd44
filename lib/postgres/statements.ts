/** Blanks and comments, which may stand before a statement. */
const BEFORE = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;

/** What a statement may end with, if it is the only one. */
const AFTER = /[\s;]+$/;

/** Statements that end what others have begun: nobody is served by leaving it open. */
const CLEANUP =
  /^(?:rollback|abort|release|discard|reset|deallocate|close|unlisten)\b|^select\s+(?:pg_catalog\.)?pg_advisory_unlock(?:_all|_shared)?\s*\(/i;

const COMMIT = /^(?:commit|end)(?=$|\s+(?:work|transaction|and)\b)/i;

/** What begins or sets something: a limit around it would outlive the transaction that it is in. */
const CONTROL = /^(?:begin|start|savepoint|set|show|prepare|listen|notify)\b/i;

/**
 * - `cleanup` ends what others have begun.
 * - `commit` ends a transaction for good.
 * - `control` begins something, or sets it.
 * - `several` statements in one text.
 */
export type StatementKind = 'cleanup' | 'commit' | 'control' | 'several' | 'other';

/** Tells what kind of statement a query is. */
export function kindOf(text: unknown): StatementKind {
  if (typeof text !== 'string') return 'other';
  const statement = text.replace(BEFORE, '').replace(AFTER, '');
  if (statement.includes(';')) return 'several';
  if (COMMIT.test(statement)) return 'commit';
  if (CLEANUP.test(statement)) return 'cleanup';
  return CONTROL.test(statement) ? 'control' : 'other';
}

/** The rollback in place of a commit: `COMMIT AND CHAIN` is `ROLLBACK AND CHAIN`. */
export function rollbackFor(commit: string): string {
  return commit.replace(BEFORE, '').replace(/^(?:commit|end)/i, 'ROLLBACK');
}
