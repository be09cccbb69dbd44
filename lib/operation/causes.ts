import { type CancelationError, isCancelation, setCause } from '../scope/cancelation-error.js';
import { describeError } from '../scope/describe-error.js';
import { interruptedBy } from './interruption.js';
import type { OperationState } from './operation-state.js';
import { isInherited, memberIfReadable, ownValue } from '../scope/plain-object.js';

const NAMES = new Set(['AbortError', 'TimeoutError', 'CanceledError']);
/** Node's and axios' codes, and those of a killed query of PostgreSQL and of MySQL. */
const CODES = new Set<unknown>(['ABORT_ERR', 'ERR_CANCELED', '57014', 'ER_QUERY_INTERRUPTED']);

/** The number of errors that are looked through for one. */
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
  let last: CancelationError | undefined;
  for (const link of causeChain(error)) if (isCancelation(link)) last = link;
  return last;
}

/** An error and everything below it, once each: ends at a circle. */
export function* causeChain(error: unknown): Generator<object> {
  const reader = new CauseReader();
  const seen = new Set<unknown>();
  for (let link = error; isObject(link) && !seen.has(link); link = reader.causeOf(link)) {
    seen.add(link);
    yield link;
  }
}

/** So many causes of one chain may be made by a getter, which can go on for ever. */
const MOST_COMPUTED = 100;

/** Reads the causes of one chain: errors come from anywhere, and may be of any shape. */
export class CauseReader {
  private computed = 0;

  /**
   * @returns `undefined` too where a cause cannot be read, or too many were made as they were read
   */
  causeOf(link: object): unknown {
    return this.read(link, 'cause');
  }

  /** The errors of an AggregateError. */
  errorsOf(link: object): readonly unknown[] | undefined {
    const errors = this.read(link, 'errors');
    return Array.isArray(errors) ? (errors as unknown[]) : undefined;
  }

  private read(link: object, key: 'cause' | 'errors'): unknown {
    try {
      const own = Object.getOwnPropertyDescriptor(link, key);
      if (own !== undefined && 'value' in own) return own.value as unknown;
      if (!(key in link) || isInherited(link, key) || ++this.computed > MOST_COMPUTED)
        return undefined;
      return (link as ErrorLike)[key];
    } catch {
      return undefined;
    }
  }
}

/**
 * What a caller gets of an error: the operation's own, if it is due to its cancel; else the error
 * itself.
 */
export function surfacing(operation: OperationState, error: unknown): unknown {
  const isDue = operation.record !== undefined && isDueTo(operation, error);
  return isDue ? operation.error() : error;
}

/**
 * Whether an error is only the echo of the operation's cancelation: its own error, or the reason
 * of its signal, stands in the chain, or it is what libraries throw when their signal aborts.
 */
export function isDueTo(operation: OperationState, error: unknown): boolean {
  if (!isObject(error)) return false;
  if (containsError(error, operation.error(), interruptedBy)) return true;
  const name = memberIfReadable(error, 'name');
  return (
    (typeof name === 'string' && NAMES.has(name)) || CODES.has(memberIfReadable(error, 'code'))
  );
}

/**
 * Whether an error stands anywhere below another: as a cause, or among the errors of one.
 *
 * @param alsoBelow what else counts as below an error
 */
function containsError(
  error: unknown,
  wanted: CancelationError,
  alsoBelow?: (link: object) => unknown,
): boolean {
  if (error === wanted) return true;
  const reader = new CauseReader();
  const seen = new Set<unknown>();
  const pending: unknown[] = [error];
  while (pending.length > 0 && seen.size < LONGEST_CHAIN) {
    const link = pending.pop();
    if (!isObject(link) || seen.has(link)) continue;
    seen.add(link);
    if (link === wanted) return true;
    for (const each of reader.errorsOf(link) ?? []) pending.push(each);
    pending.push(reader.causeOf(link), alsoBelow?.(link));
  }
  return false;
}

/** Keeps what really failed below the operation's error, unless a circle would result. */
export function adoptAsCause(own: CancelationError, original: unknown): void {
  if (ownValue(own, 'cause') !== undefined || containsError(original, own)) return;
  setCause(own, original);
}

/** A chain for a log line: at most three links and the root. */
export function describeChain(error: CancelationError): string {
  const first: object[] = [];
  let length = 0;
  let last: object = error;
  for (const link of causeChain(error)) {
    if (length++ < MOST_PRINTED) first.push(link);
    last = link;
  }
  const links = first.map(describeLink);
  if (length > MOST_PRINTED + 1) links.push('…');
  if (length > MOST_PRINTED) links.push(describeLink(last));
  return links.join(' ← ');
}

const MOST_PRINTED = 3;

function describeLink(link: object): string {
  return isCancelation(link) ? `${link.reason} (${link.message})` : describeError(link);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
