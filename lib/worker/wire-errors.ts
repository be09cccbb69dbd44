import { type CancelationReason, isCancelation } from '../scope/cancelation-error.js';
import { createCancelationError } from '../scope/cancelation-reasons.js';
import { CauseReader } from '../operation/causes.js';
import {
  ClusterUnavailable,
  OperationConflict,
  OperationLimit,
  OperationNotFound,
  OperationRefused,
} from '../operation/operation-errors.js';
import { plain } from '../scope/plain-data.js';
import { memberIfReadable, ownValue, readableParts } from '../scope/plain-object.js';

/** One error of a chain; others are named by their place in the list. */
type WireLink =
  | {
      readonly kind: 'cancelation';
      readonly reason: CancelationReason;
      readonly canceledAt: number;
      readonly operationId: string | undefined;
      readonly operationName: string | undefined;
      readonly requestedBy: string | undefined;
      readonly partialResult: unknown;
      readonly message: string;
      cause?: number;
    }
  | {
      readonly kind: 'error';
      readonly type: string;
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      /** What else the error carries: `code`, `status`, … */
      readonly extras: Readonly<Record<string, unknown>>;
      cause?: number;
      errors?: number[];
    }
  | { readonly kind: 'value'; readonly value: unknown };

/**
 * An error as it crosses between threads, everything in its chain included. Structured clones lose
 * classes and causes of ours, and fail on what cannot be cloned.
 */
export type WireError = readonly WireLink[];

export function errorToWire(error: unknown): WireError {
  const places = new Map<unknown, number>();
  const pending: unknown[] = [];
  const placeOf = (value: unknown): number => {
    let place = places.get(value);
    if (place === undefined) {
      places.set(value, (place = pending.length));
      pending.push(value);
    }
    return place;
  };
  placeOf(error);
  const links: WireLink[] = [];
  const reader = new CauseReader();
  for (let index = 0; index < pending.length; index++) {
    links.push(toLink(pending[index], placeOf, reader));
  }
  return links;
}

function toLink(
  value: unknown,
  placeOf: (value: unknown) => number,
  reader: CauseReader,
): WireLink {
  if (!isError(value)) return { kind: 'value', value: cloneable(value) };
  const cause = reader.causeOf(value);
  const link = isCancelation(value) ? toCancelationLink(value) : toErrorLink(value);
  if (cause !== undefined) link.cause = placeOf(cause);
  const errors = reader.errorsOf(value);
  if (link.kind === 'error' && errors !== undefined) link.errors = errors.map(placeOf);
  return link;
}

function toCancelationLink(
  error: Error & { readonly reason: CancelationReason },
): WireLink & { kind: 'cancelation' } {
  const { reason, message, operationId, operationName, requestedBy, canceledAt, partialResult } =
    error as ReturnType<typeof createCancelationError>;
  return {
    kind: 'cancelation',
    reason,
    message,
    operationId,
    operationName,
    requestedBy,
    canceledAt: canceledAt.getTime(),
    partialResult: cloneable(partialResult),
  };
}

const CARRIED_APART = new Set(['name', 'message', 'stack', 'cause', 'errors']);

function toErrorLink(error: Error): WireLink & { kind: 'error' } {
  const extras: Record<string, unknown> = {};
  for (const key of Object.keys(error)) {
    if (!CARRIED_APART.has(key)) extras[key] = cloneable(memberIfReadable(error, key));
  }
  const { name, message, stack, code } = readableParts(error);
  if (code !== undefined) extras['code'] = cloneable(code);
  return {
    kind: 'error',
    type: typeOf(error),
    name: String(name ?? 'Error'),
    message: String(message ?? ''),
    stack: typeof stack === 'string' ? stack : undefined,
    extras,
  };
}

/** An error again: of the same class where that is one of the language's or of ours. */
export function errorFromWire(wire: WireError): unknown {
  const values = wire.map(fromLink);
  wire.forEach((link, index) => {
    if (link.kind === 'value') return;
    const error = values[index] as Error;
    const cause = ownValue(link, 'cause');
    if (cause !== undefined) define(error, 'cause', values[cause as number]);
    if (link.kind === 'error' && Object.hasOwn(link, 'errors')) {
      define(
        error,
        'errors',
        link.errors?.map((place) => values[place]),
      );
    }
  });
  return values[0];
}

function fromLink(link: WireLink): unknown {
  if (link.kind === 'value') return link.value;
  if (link.kind === 'cancelation') {
    const { reason, message, requestedBy, ...rest } = link;
    const options = requestedBy === undefined ? undefined : { requestedBy };
    return createCancelationError(reason, message, {
      canceledAt: rest.canceledAt,
      partialResult: rest.partialResult,
      ...(rest.operationId === undefined ? undefined : { operationId: rest.operationId }),
      ...(rest.operationName === undefined ? undefined : { operationName: rest.operationName }),
      ...options,
    });
  }
  const error = createError(link.type, link.message, link.name);
  if (error.name !== link.name) define(error, 'name', link.name);
  define(error, 'stack', link.stack);
  for (const [key, value] of Object.entries(link.extras)) {
    if (key in error && (error as never)[key] === value) continue;
    Object.defineProperty(error, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: true,
    });
  }
  return error;
}

type ErrorClass = new (message: string) => Error;

const CLASSES: Readonly<Record<string, ErrorClass>> = {
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  OperationConflict,
  OperationLimit,
  OperationNotFound,
  OperationRefused,
  ClusterUnavailable,
};

function createError(type: string, message: string, name: string): Error {
  if (type === 'AggregateError') return new AggregateError([], message);
  if (type === 'DOMException') return new DOMException(message, name);
  return new (CLASSES[type] ?? Error)(message);
}

/** The nearest class that both sides know. */
function typeOf(error: Error): string {
  let type: object | null = Object.getPrototypeOf(error) as object | null;
  for (; type !== null; type = Object.getPrototypeOf(type) as object | null) {
    const { constructor } = type as { constructor?: { name?: string } };
    const name = Object.hasOwn(type, 'constructor') ? constructor?.name : undefined;
    if (name === 'AggregateError' || name === 'DOMException') return name;
    if (name !== undefined && Object.hasOwn(CLASSES, name)) return name;
  }
  return 'Error';
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true });
}

/** DOMExceptions and errors of another realm are no `instanceof Error`. */
function isError(value: unknown): value is Error {
  if (value instanceof Error) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { name, message, stack } = value as Partial<Error>;
  return typeof name === 'string' && typeof message === 'string' && typeof stack === 'string';
}

/** The value itself, or what JSON makes of one that cannot cross. */
function cloneable(value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return plain(value);
  if (typeof value !== 'object' || value === null) return value;
  try {
    structuredClone(value);
    return value;
  } catch {
    return plain(value);
  }
}
