import type { ModulesContainer } from '@nestjs/core';
import { handlerKind, methodsOf } from './method-metadata.js';

/** A method that Nest calls for a request of some kind. */
export interface HandlerMethod {
  /** A type of Nest's ExecutionContext. */
  readonly kind: string;
  readonly method: object;
  /** Its class. */
  readonly host: object;
}

/** The handlers of an application, before anything of it runs: of classes, not of factories. */
export function* handlersOf(modules: ModulesContainer): Generator<HandlerMethod> {
  for (const module of modules.values()) {
    for (const { metatype } of [...module.controllers.values(), ...module.providers.values()]) {
      const prototype: unknown = typeof metatype === 'function' ? metatype.prototype : undefined;
      if (typeof prototype !== 'object' || prototype === null) continue;
      for (const method of methodsOf(prototype).values()) {
        const kind = handlerKind(method);
        if (kind !== undefined) yield { kind, method, host: metatype as object };
      }
    }
  }
}
