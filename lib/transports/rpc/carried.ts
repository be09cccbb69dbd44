import type { ExecutionContext } from '@nestjs/common';
import { memberOf, ownValue } from '../../scope/plain-object.js';
import { askForeign } from './ask-foreign.js';

/** The event that says that somebody stopped waiting for an answer. */
export const CANCEL_PATTERN = 'nestjs-cancelable.cancel';

/** Under which names a message carries what its caller knows; headers, where there are some. */
export const CARRIED = {
  /** Milliseconds that the caller still waits: never a moment, since clocks differ. */
  remaining: 'x-request-timeout-ms',
  /** Finds the call again, to cancel it. Nobody else can know it. */
  call: 'nestjs-cancelable-call',
  /** The caller's operation. */
  operation: 'nestjs-cancelable-operation',
} as const;

/** The fields that a caller sent with a message, as far as they are valid. */
export interface Carried {
  /** Milliseconds. */
  readonly remaining: number | undefined;
  readonly call: string | undefined;
}

/** The payload of `CANCEL_PATTERN`. */
export interface CancelMessage {
  readonly call: string;
  /** The time of the caller is over, rather than its patience. */
  readonly timedOut: boolean;
}

const MILLISECONDS = /^\d{1,10}$/;
const CALL_ID = /^[\w-]{22,64}$/;
const OPERATION_ID = /^[\x21-\x7e]{1,200}$/;

/** Whatever is not exactly as we write it counts as not sent: anybody may have written it. */
export function carriedBy(context: ExecutionContext): Carried {
  const remaining = readText(context, CARRIED.remaining, MILLISECONDS);
  return {
    remaining: remaining === undefined ? undefined : Number(remaining),
    call: readText(context, CARRIED.call, CALL_ID),
  };
}

/**
 * The id of the operation that a message was sent in, as its sender says: for logs and traces, not
 * for decisions. Whoever can send messages can write it, so it never becomes part of an operation
 * by itself.
 *
 * @returns `undefined` if none was sent
 * @example
 * CancelableModule.forRoot({
 *   request: (context) => ({ metadata: { calledBy: callerOperationId(context) } }),
 * })
 * @publicApi
 */
export function callerOperationId(context: ExecutionContext): string | undefined {
  return readText(context, CARRIED.operation, OPERATION_ID);
}

/** Whether an id survives every transport. */
export function canCarry(operationId: string): boolean {
  return OPERATION_ID.test(operationId);
}

export function readCancelMessage(payload: unknown): CancelMessage | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const call = ownValue(payload, 'call');
  if (typeof call !== 'string' || !CALL_ID.test(call)) return undefined;
  return { call, timedOut: ownValue(payload, 'timedOut') === true };
}

/**
 * The part of Nest's contexts that is used. They are known by their shape: the package, and on Nest
 * 11 the method, may be absent.
 */
interface TransportContext {
  getMetadata?(): unknown;
  getHeaders?(): unknown;
}

function readText(context: ExecutionContext, key: string, form: RegExp): string | undefined {
  return askForeign(() => {
    const transport = context.getArgByIndex<TransportContext | undefined>(1);
    const sent = transport?.getMetadata?.() ?? transport?.getHeaders?.();
    if (typeof sent !== 'object' || sent === null) return undefined;
    const get = memberOf(sent, 'get');
    const value: unknown = typeof get === 'function' ? get.call(sent, key) : ownValue(sent, key);
    return typeof value === 'string' && form.test(value) ? value : undefined;
  });
}
