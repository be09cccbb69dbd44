import { type DiscoveryService } from '@nestjs/core';
import { describeError, stackOf } from '../scope/describe-error.js';
import type {
  EventListener,
  OperationEvent,
  OperationEventType,
} from '../registry/operation-events.js';
import { compileFilter } from '../registry/operation-filter.js';
import { assignRuntime, type CancelableRuntime, hasRuntime } from './cancelable-runtime.js';
import type { MethodDefinition } from './method-definition.js';
import { getDefinition, methodsOf } from './method-metadata.js';
import { listenersOf, type OperationListener } from './on-operation.decorator.js';
import { wantsRuntime } from './runtime-slot.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];
type Method = (event: OperationEvent) => unknown;
type TypedListener = readonly [OperationEventType, EventListener];

/**
 * Looks over everything the application is made of, once, when it starts: refuses what cannot
 * work, reaches the instances that injection did not, and subscribes the listeners.
 */
export class DecoratedMethodsExplorer {
  /** All that were found. */
  readonly definitions: MethodDefinition[] = [];

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly runtime: CancelableRuntime,
  ) {}

  /**
   * @returns unsubscribes the listeners
   * @throws TypeError for an unknown policy, or a listener where it cannot work
   */
  explore(): () => void {
    const listeners: TypedListener[] = [];
    for (const wrapper of [...this.discovery.getControllers(), ...this.discovery.getProviders()]) {
      this.exploreWrapper(wrapper, listeners);
    }
    const { events } = this.runtime.live;
    const stops = listeners.map(([type, listener]) => events.listen(type, listener));
    return () => stops.forEach((stop) => stop());
  }

  private exploreWrapper(wrapper: InstanceWrapper, listeners: TypedListener[]): void {
    const instance: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
    const isInstance = typeof instance === 'object' && instance !== null;
    const prototype = isInstance
      ? (Object.getPrototypeOf(instance) as unknown)
      : prototypeOf(wrapper.metatype);
    if (prototype === null || prototype === undefined || prototype === Object.prototype) return;
    if (isInstance && wantsRuntime(instance) && !hasRuntime(instance)) {
      assignRuntime(instance, this.runtime);
    }
    for (const [key, method] of methodsOf(prototype)) {
      const definition = getDefinition(method) as MethodDefinition | undefined;
      if (definition !== undefined) {
        definition.mergedOptions(this.runtime);
        this.definitions.push(definition);
      }
      for (const listener of listenersOf(method)) {
        const where = `@OnOperation('${listener.type}') on ${wrapper.name as string}.${String(key)}`;
        if (!isInstance) {
          throw new TypeError(
            `${where}: the provider is not a singleton, so there is no instance to call. ` +
              'Move the listener to a provider of the default scope.',
          );
        }
        listeners.push([
          listener.type,
          this.createListener(instance, method as Method, listener, where),
        ]);
      }
    }
  }

  private createListener(
    instance: object,
    method: Method,
    { filter }: OperationListener,
    where: string,
  ): EventListener {
    const fixed = compileFilter(filter, where);
    // An age is measured from when the event comes.
    const matcher =
      filter?.olderThan === undefined ? () => fixed : () => compileFilter(filter, where);
    const report = (error: unknown) =>
      this.runtime.live.log.error(`${where} failed: ${describeError(error)}`, stackOf(error));
    return (event, state) => {
      try {
        if (!matcher().matches(state)) return;
        const result = method.call(instance, event);
        if (result instanceof Promise) result.catch(report);
      } catch (error) {
        report(error);
      }
    };
  }
}

function prototypeOf(metatype: unknown): unknown {
  return typeof metatype === 'function' ? (metatype.prototype as unknown) : undefined;
}
