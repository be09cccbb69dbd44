import { AsyncLocalStorage } from 'node:async_hooks';

const KEY = Symbol.for('nestjs-cancelable.context');
const shared = globalThis as { [KEY]?: AsyncLocalStorage<object> };

/**
 * What the current async context carries: a cell (see `context.ts`). One storage in the process,
 * so that two copies of the package see the same operations.
 */
export const contextStorage: AsyncLocalStorage<object> = (shared[KEY] ??=
  new AsyncLocalStorage<object>());
