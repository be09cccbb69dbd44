import { AsyncLocalStorage } from 'node:async_hooks';

/** What the current async context carries: a cell (see `context.ts`). */
export const contextStorage = new AsyncLocalStorage<object>();
