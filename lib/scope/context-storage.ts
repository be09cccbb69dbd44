import { AsyncLocalStorage } from 'node:async_hooks';

/** The storage of the async context, which carries a cell (see `context.ts`). */
export const contextStorage = new AsyncLocalStorage<object>();

/**
 * Calls a function in a context, or in none. The storage's own `exit()` switches it off and on
 * again, which costs 50 times as much on Node 20.
 */
export function inContext<Result>(context: object | undefined, call: () => Result): Result {
  return contextStorage.run(context as object, call);
}

/** A function that runs in a context, or in none, wherever it is called. */
export function boundTo<This, Args extends unknown[], Result>(
  context: object | undefined,
  fn: (this: This, ...args: Args) => Result,
): (this: This, ...args: Args) => Result {
  return function (this: This, ...args: Args) {
    return contextStorage.run(context as object, Reflect.apply<This, Args, Result>, fn, this, args);
  };
}

/** A function that runs where it was made, which may be in no context. */
export function boundHere<This, Args extends unknown[], Result>(
  fn: (this: This, ...args: Args) => Result,
): (this: This, ...args: Args) => Result {
  return boundTo(contextStorage.getStore(), fn);
}
