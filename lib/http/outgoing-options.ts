import type { CallingScope } from '../operation/calling-scope.js';
import { monotonicNow } from '../scope/clock.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import { bare } from '../scope/plain-object.js';
import { readFunction, refusePromise } from '../scope/promised-options.js';
import { checkOptions, readOptions, readSpan, refuse } from '../scope/validate.js';
import { parseUrl } from './parse-url.js';

/**
 * Options of `outgoingHttp()`.
 *
 * @publicApi
 */
export interface OutgoingHttpOptions {
  /**
   * Tells which requests are never interrupted, and carry nothing: audits, exporters of metrics.
   * Called once for each request that an operation makes. Default: none.
   *
   * @example
   * outgoingHttp({ ignore: ({ hostname }) => hostname === 'audit.internal' })
   */
  readonly ignore?: (url: URL) => boolean;
  /** Tells services of yours how long the caller waits. Default: nobody is told. */
  readonly deadlines?: OutgoingDeadlinesOptions;
}

/**
 * Who is told how long the caller waits, and how.
 *
 * @publicApi
 */
export interface OutgoingDeadlinesOptions {
  /** The origins that are told, such as `'https://rates.internal'`; no other one ever is. */
  readonly to: readonly string[];
  /**
   * The header that says in whole milliseconds what is left. One that the request has already
   * stays. Default: `'x-request-timeout-ms'`.
   */
  readonly header?: string;
  /**
   * How much earlier the other side is to give up, for the way back: milliseconds, or a string with
   * a unit. Default: `'10ms'`.
   */
  readonly margin?: Duration;
  /** A header for the id of the operation. Default: none. */
  readonly idHeader?: string;
}

type Header = readonly [name: string, value: string];

/** What one application wants of the requests that its operations make. */
export interface OutgoingSettings {
  /** @throws what the function of the user throws */
  isIgnored(url: () => URL | undefined): boolean;
  /** The headers that a request to this origin is to have beside its own. */
  headersFor(origin: () => string | undefined, caller: CallingScope<unknown>): readonly Header[];
}

const HEADER = 'x-request-timeout-ms';
const MARGIN = '10ms';
const NO_HEADERS: readonly Header[] = [];

/** https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i;

/** @throws TypeError for options that are not possible */
export function readOutgoingOptions(given: OutgoingHttpOptions, where: string): OutgoingSettings {
  const { ignore, deadlines } = readOptions(given, where, {
    ignore: (value, at) => readFunction(value, at, 'a function of a URL'),
    deadlines: readDeadlines,
  });
  return {
    isIgnored(url) {
      const found = ignore === undefined ? undefined : url();
      if (ignore === undefined || found === undefined) return false;
      const answer: unknown = ignore(found);
      refusePromise(answer, `${where}: ignore`);
      return Boolean(answer);
    },
    headersFor: deadlines === undefined ? () => NO_HEADERS : deadlineHeaders(bare(deadlines)),
  };
}

function readDeadlines(value: unknown, where: string): void {
  checkOptions(value, where, {
    to: readOrigins,
    header: readHeaderName,
    margin: readSpan,
    idHeader: readHeaderName,
  });
  if (bare(value as OutgoingDeadlinesOptions).to === undefined) {
    throw new TypeError(
      `${where}: "to" is missing. Name the origins that are told: { to: ['https://rates.internal'] }.`,
    );
  }
}

function readOrigins(value: unknown, where: string): void {
  if (!Array.isArray(value)) refuse(where, value, 'a list of origins');
  for (const each of value as unknown[]) {
    const origin = typeof each === 'string' ? parseUrl(each)?.origin : undefined;
    if (origin === undefined || origin === 'null' || origin !== each) {
      refuse(
        where,
        each,
        "an origin, without a path: 'https://rates.internal', 'http://localhost:3001'",
      );
    }
  }
}

function readHeaderName(value: unknown, where: string): void {
  if (typeof value !== 'string' || !HEADER_NAME.test(value)) {
    refuse(where, value, 'the name of a header');
  }
}

function deadlineHeaders(options: OutgoingDeadlinesOptions): OutgoingSettings['headersFor'] {
  const { to, header = HEADER, margin = MARGIN, idHeader } = options;
  const origins = new Set(to);
  const reserve = parseDuration(margin, 'margin', { zero: true });
  return (origin, { scope, operation }) => {
    const target = origin();
    if (target === undefined || !origins.has(target)) return NO_HEADERS;
    const headers: Header[] = [];
    const { limit } = scope;
    if (limit !== undefined) {
      const left = Math.floor(limit - monotonicNow() - reserve);
      headers.push([header, String(Math.max(0, left))]);
    }
    if (idHeader !== undefined) headers.push([idHeader, operation.id]);
    return headers;
  };
}
