import { ON_DISCONNECT } from '../../operation/operation-options.js';
import type { CancelationReason } from '../../scope/cancelation-error.js';
import { CANCELATION_REASONS } from '../../scope/cancelation-reasons.js';
import type { OnDisconnect } from '../../operation/operation-options.js';
import { isRecord } from '../../scope/plain-object.js';
import { checkOptions, refuse, oneOf } from '../../scope/validate.js';

/**
 * What is special to HTTP.
 *
 * @publicApi
 */
export interface HttpOptions {
  /** What a client's leaving does to handlers that do not say. Default: `'cancel'`. */
  onDisconnect?: OnDisconnect;
  /** Other status codes than the usual ones, by reason. */
  statusCodes?: Partial<Record<CancelationReason, number>>;
  /**
   * A response header that carries the operation's id, set before the first byte. Only for callers
   * who may cancel: whoever has the id can name the operation. Default: false.
   */
  idHeader?: false | string;
  /**
   * Request headers in which callers say how long they wait, in milliseconds; `grpc-timeout` in its
   * own format. The smallest valid one holds, and only shortens what the operation has. Default:
   * none.
   *
   * @example
   * { deadlines: ['x-request-timeout-ms', 'grpc-timeout', 'connect-timeout-ms'] }
   */
  deadlines?: readonly string[];
}

/** RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

/** @throws TypeError that says what was given and what is allowed */
export function checkHttpOptions(options: unknown, where: string): void {
  checkOptions(options, where, {
    onDisconnect: oneOf(...ON_DISCONNECT),
    statusCodes: checkStatusCodes,
    idHeader: (value, at) => {
      if (value !== false && !(typeof value === 'string' && HEADER_NAME.test(value))) {
        refuse(at, value, 'false or the name of a header');
      }
    },
    deadlines: checkHeaderNames,
  });
}

function checkHeaderNames(value: unknown, where: string): void {
  if (!Array.isArray(value)) refuse(where, value, 'an array of header names');
  for (const name of value as unknown[]) {
    if (typeof name !== 'string' || !HEADER_NAME.test(name)) {
      refuse(where, name, "the names of headers, such as 'x-request-timeout-ms'");
    }
  }
}

function checkStatusCodes(value: unknown, where: string): void {
  if (!isRecord(value)) refuse(where, value, 'an object of status codes by reason');
  for (const [reason, status] of Object.entries(value)) {
    if (!(CANCELATION_REASONS as readonly string[]).includes(reason)) {
      refuse(where, reason, CANCELATION_REASONS.map((each) => `'${each}'`).join(', '));
    }
    if (!Number.isInteger(status) || (status as number) < 400 || (status as number) > 599) {
      refuse(`${where}.${reason}`, status, 'a status code from 400 to 599');
    }
  }
}
