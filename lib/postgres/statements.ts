/** Blanks and comments, which may stand before a statement. */
const BEFORE = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;

/** Statements that end what others have begun: nobody is served by leaving it open. */
const CLEANUP =
  /^(?:rollback|abort|release|discard|reset|deallocate|close|unlisten)\b|^select\s+(?:pg_catalog\.)?pg_advisory_unlock(?:_all|_shared)?\s*\(/i;

const COMMIT = /^(?:commit|end)(?=\s*(?:;|$)|\s+(?:work|transaction|and)\b)/i;

/** What begins or sets something: a limit around it would outlive the transaction that it is in. */
const CONTROL = /^(?:begin|start|savepoint|set|show|prepare|listen|notify)\b/i;

/**
 * - `cleanup` ends what others have begun.
 * - `commit` ends a transaction for good.
 * - `control` begins something, or sets it.
 */
export type StatementKind = 'cleanup' | 'commit' | 'control' | 'other';

/** Tells what kind of statement a query is; several in one text are of the other kind. */
export function kindOf(text: unknown): StatementKind {
  if (typeof text !== 'string') return 'other';
  const statement = withoutComments(text);
  let kind: StatementKind = 'other';
  if (COMMIT.test(statement)) kind = 'commit';
  else if (CLEANUP.test(statement)) kind = 'cleanup';
  else if (CONTROL.test(statement)) kind = 'control';
  return kind === 'other' || isSingle(statement) ? kind : 'other';
}

/** Most begin with a letter. */
function withoutComments(text: string): string {
  return text.charCodeAt(0) < 65 ? text.replace(BEFORE, '') : text;
}

/** Whether a text is one statement; a semicolon within one counts as its end. */
export function isSingle(text: string): boolean {
  const end = text.indexOf(';');
  return end === -1 || /^[\s;]*$/.test(text.slice(end));
}

/** The rollback in place of a commit: `COMMIT AND CHAIN` is `ROLLBACK AND CHAIN`. */
export function rollbackFor(commit: string): string {
  return withoutComments(commit).replace(/^(?:commit|end)/i, 'ROLLBACK');
}
