import type { ThreadPool } from './run-in-pool.js';

/**
 * What `new Piscina()` takes: `filename`, `minThreads`, `maxThreads`, `maxQueue`, `execArgv`, …
 *
 * @publicApi
 */
export interface ThreadPoolOptions {
  /** The path of the module whose functions are the tasks. */
  readonly filename?: string;
  /** The name of the function it exports. Default: `'default'`. */
  readonly name?: string;
  readonly [option: string]: unknown;
}

/**
 * Makes a piscina pool for `runInPool()`. Destroy it when the application ends.
 *
 * @throws Error when piscina is not installed
 * @example
 * const pool = await createThreadPool({ filename: path, maxThreads: 4 });
 * @publicApi
 */
export async function createThreadPool(options: ThreadPoolOptions = {}): Promise<ThreadPool> {
  const { Piscina } = await loadPiscina();
  return new Piscina(options);
}

/** The package's, behind a type that does not need it. */
async function loadPiscina(): Promise<{ Piscina: new (options: object) => ThreadPool }> {
  try {
    return await import('piscina');
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (code !== 'ERR_MODULE_NOT_FOUND' || !String(message).includes("'piscina'")) throw error;
    throw new Error('createThreadPool() needs the package piscina: npm install piscina', {
      cause: error,
    });
  }
}
