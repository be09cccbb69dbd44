import { contextStorage, inContext } from '../scope/context-storage.js';

/** A callback that runs in the context of whoever gave it, in none if there is none. */
export function bindHere<This, Args extends unknown[], Result>(
  callback: (this: This, ...args: Args) => Result,
): (this: This, ...args: Args) => Result {
  const context = contextStorage.getStore();
  return function (this: This, ...args: Args) {
    return inContext(context, () => Reflect.apply<This, Args, Result>(callback, this, args));
  };
}
