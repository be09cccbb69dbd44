import { contextStorage } from './context-storage.js';
import type { ContextCell } from './context.js';
import type { Scope } from './scope.js';

/**
 * Brings something else along wherever code enters the context of a scope: the active span of a
 * tracer, for one. `enter` calls the function, once, and gives back what it gives. `undefined`: there
 * is nothing to bring. `capture` tells what is active where a call comes in, for an operation of it
 * that begins later, wherever somebody asks for it.
 */
export const contextCarrier: {
  enter: (<Result>(scope: Scope, call: () => Result) => Result) | undefined;
  capture: (() => unknown) | undefined;
} = { enter: undefined, capture: undefined };

/** Calls a function in a cell, and in what is carried with the scope of it. */
export function enterCell<Args extends unknown[], Result>(
  cell: ContextCell,
  call: (...args: Args) => Result,
  ...args: Args
): Result {
  const { scope } = cell;
  if (contextCarrier.enter === undefined || scope === undefined) {
    return contextStorage.run(cell, call, ...args);
  }
  return contextCarrier.enter(scope, () => contextStorage.run(cell, call, ...args));
}
