import { EVENT_TYPES, type OperationEventType } from '../registry/operation-events.js';
import type { OperationFilter } from '../registry/operation-filter.js';

/** One listener method: what it wants to hear. */
export interface OperationListener {
  readonly type: OperationEventType;
  readonly filter: OperationFilter | undefined;
}

const LISTENERS = Symbol('nestjs-cancelable.listeners');

/**
 * Calls a provider's method for each event of a type. What it throws, or rejects with, is logged.
 *
 * @param filter which operations. Default: all
 * @throws TypeError when the class is defined, for a type that does not exist
 * @example
 * \@OnOperation('canceled', { reason: 'timeout' })
 * count({ operation }: OperationEvent) { this.timeouts.inc({ name: operation.name }); }
 * @publicApi
 */
export function OnOperation(type: OperationEventType, filter?: OperationFilter): MethodDecorator {
  if (!EVENT_TYPES.includes(type)) {
    throw new TypeError(
      `@OnOperation(): '${String(type)}' is not allowed. Allowed: ${EVENT_TYPES.map((each) => `'${each}'`).join(', ')}.`,
    );
  }
  return (_target: object, _key: string | symbol, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as object;
    const listeners = listenersOf(method);
    Reflect.defineMetadata(LISTENERS, [...listeners, { type, filter }], method);
  };
}

export function listenersOf(method: object): readonly OperationListener[] {
  return (Reflect.getOwnMetadata(LISTENERS, method) as OperationListener[] | undefined) ?? [];
}
