import { Inject, Optional } from '@nestjs/common';
import { assignRuntime, CancelableRuntime } from './cancelable-runtime.js';

const SLOT = Symbol('nestjs-cancelable.runtime');

/**
 * Asks dependency injection for the runtime, as a property of the class: works for singletons,
 * request-scoped and transient instances, and subclasses. The accessor keeps it off the instance.
 */
export function injectRuntime(prototype: object): void {
  if (SLOT in prototype) return;
  Object.defineProperty(prototype, SLOT, {
    configurable: true,
    get: () => undefined,
    set(this: object, runtime: CancelableRuntime | undefined) {
      if (runtime !== undefined) assignRuntime(this, runtime);
    },
  });
  Optional()(prototype, SLOT);
  Inject(CancelableRuntime)(prototype, SLOT);
}

/** Whether instances of this class have decorated methods. */
export function wantsRuntime(instance: object): boolean {
  return SLOT in instance;
}
