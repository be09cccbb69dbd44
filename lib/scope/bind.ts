import { enterCell } from './context-carrier.js';
import { inContext } from './context-storage.js';
import { type ContextCell, currentCell } from './context.js';
import { refuse } from './validate.js';

/** @internal A function that runs in a context, wherever it is called. */
export function bindTo<This, Args extends readonly unknown[], Result>(
  cell: () => ContextCell | undefined,
  fn: (this: This, ...args: Args) => Result,
  where: string,
): (this: This, ...args: Args) => Result {
  if (typeof fn !== 'function') refuse(where, fn, 'a function');
  const bound = function (this: This, ...args: Args): Result {
    const place = cell();
    const call = () => Reflect.apply<This, Args, Result>(fn, this, args);
    return place === undefined ? inContext(place, call) : enterCell(place, call);
  };
  // Emitters and middleware look at them.
  Object.defineProperty(bound, 'name', { value: fn.name, configurable: true });
  Object.defineProperty(bound, 'length', { value: fn.length, configurable: true });
  return bound;
}

/**
 * Fixes a function to the operation it is made in: it runs there wherever it is called. A queue, a
 * pool, a batch loader or an event emitter that serves many requests calls what it was given in the
 * context of whoever woke it, so that the work of one request would belong to another, and be
 * canceled with it. Made outside of any operation, the function runs outside of any.
 *
 * @throws TypeError for what is no function
 * @example
 * queue.add(bind(() => this.reports.render(id)));
 * @publicApi
 */
export function bind<This, Args extends readonly unknown[], Result>(
  fn: (this: This, ...args: Args) => Result,
): (this: This, ...args: Args) => Result {
  const cell = currentCell();
  return bindTo(() => cell, fn, 'bind()');
}
