import { loadPeer } from '../scope/load-peer.js';
import { readOptions } from '../scope/validate.js';
import type { ThreadPool } from './run-in-pool.js';
import { PISCINA_READERS } from './worker-readers.js';

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
  /** Whatever else piscina takes. */
  readonly [option: string]: unknown;
}

/** The package's, behind a type that does not need it. */
interface PiscinaModule {
  readonly Piscina: new (options: object) => ThreadPool;
}

/**
 * Makes a piscina pool for `runInPool()`. Destroy it when the application ends.
 *
 * @throws TypeError for options that piscina does not have; Error when it is not installed
 * @example
 * const pool = await createThreadPool({ filename: path, maxThreads: 4 });
 * @publicApi
 */
export async function createThreadPool(options: ThreadPoolOptions = {}): Promise<ThreadPool> {
  const own = readOptions(options, 'createThreadPool()', PISCINA_READERS);
  const { Piscina } = await loadPeer<PiscinaModule>(
    'piscina',
    'createThreadPool()',
    () => import('piscina'),
  );
  return new Piscina({ ...own });
}
