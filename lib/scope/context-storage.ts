import { AsyncLocalStorage } from 'node:async_hooks';

/** The storage of the async context, which carries a cell (see `context.ts`). */
export const contextStorage = new AsyncLocalStorage<object>();
