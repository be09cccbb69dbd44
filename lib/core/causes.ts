import { type CancelationError, isCancelation, setCause } from './cancelation-error.js';
import { describeError } from './describe-error.js';
import type { OperationState } from './operation-state.js';

const NAMES = new Set(['AbortError', 'TimeoutError', 'CanceledError']);
/** Node's and axios' codes, and PostgreSQL's query_canceled. */
const CODES = new Set<unknown>(['ABORT_ERR', 'ERR_CANCELED', '57014']);

/** How much of a chain is looked at: errors come from anywhere and may be of any shape. */
const LONGEST_CHAIN = 20_000;

interface ErrorLike {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/**
 * The last cancelation of an error's chain: what started it. A grandchild of a lost request reads
 * `parent`, `parent`, `disconnect`; its root cause is the `disconnect`.
 *
 * @returns `undefined` when there is no cancelation in the chain
 * @publicApi
 */
export function rootCause(error: unknown): CancelationError | undefined {
  const seen = new Set<unknown>();
  let last: CancelationError | undefined;
  for (let link = error; isObject(link) && !seen.has(link); link = (link as ErrorLike).cause) {
    seen.add(link);
    if (isCancelation(link)) last = link;
  }
  return last;
}

/**
 * Whether an error is only the echo of the operation's cancelation: its own error, or the reason
 * of its signal, stands in the chain, or it is what libraries throw when their signal aborts.
 */
export function isDueTo(operation: OperationState, error: unknown): boolean {
  if (!isObject(error)) return false;
  if (containsError(error, operation.error())) return true;
  const { name, code } = error as ErrorLike;
  return (typeof name === 'string' && NAMES.has(name)) || CODES.has(code);
}

/** Whether an error stands anywhere below another: as a cause, or among the errors of one. */
function containsError(error: unknown, wanted: CancelationError): boolean {
  if (error === wanted) return true;
  const seen = new Set<unknown>();
  const pending: unknown[] = [error];
  while (pending.length > 0 && seen.size < LONGEST_CHAIN) {
    const link = pending.pop();
    if (!isObject(link) || seen.has(link)) continue;
    seen.add(link);
    if (link === wanted) return true;
    const { cause, errors } = link as ErrorLike;
    if (Array.isArray(errors)) for (const each of errors) pending.push(each);
    pending.push(cause);
  }
  return false;
}

/** Keeps what really failed below the operation's error, unless a circle would result. */
export function adoptAsCause(own: CancelationError, original: unknown): void {
  if (own.cause !== undefined || containsError(original, own)) return;
  setCause(own, original);
}

/** A chain for a log line: at most three links and the root. */
export function describeChain(error: CancelationError): string {
  const seen = new Set<unknown>();
  const links: string[] = [];
  for (
    let link: unknown = error;
    isObject(link) && !seen.has(link);
    link = (link as ErrorLike).cause
  ) {
    seen.add(link);
    links.push(isCancelation(link) ? `${link.reason} (${link.message})` : describeError(link));
  }
  if (links.length <= 4) return links.join(' ← ');
  return [...links.slice(0, 3), '…', links.at(-1)].join(' ← ');
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
