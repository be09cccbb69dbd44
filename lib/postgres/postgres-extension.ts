import type { CancelableExtension } from '../registry/cancelable-extension.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { loadIfInstalled, loadPeer } from '../scope/load-peer.js';
import { loadedCopies } from '../scope/loaded-copies.js';
import { ownerOf, undoing } from '../scope/shared-method.js';
import { readBoolean, readOptions } from '../scope/validate.js';
import { connectMethod, queryMethod } from './client-methods.js';
import type { Library } from './pg.js';
import { handleMethod, lazyQueryPrototypes } from './postgres-js.js';
import { takeMethod } from './pool-slots.js';
import type { PostgresSettings } from './postgres-settings.js';
import { pulse } from './queue-hold.js';

/**
 * Options of `postgres()`.
 *
 * @publicApi
 */
export interface PostgresOptions {
  /**
   * Lets the server itself end a query when the time of its operation is up, by `statement_timeout`:
   * for when the application cannot tell it any more. Costs two further statements a query. Default:
   * false.
   */
  readonly deadlines?: boolean;
}

/**
 * Cancels the queries that an operation has begun, on the server, as soon as the operation is
 * canceled, with no signal passed; and lets nobody wait for a connection of a pool. For `pg`, and
 * what is made of it: TypeORM, Knex, Drizzle, MikroORM, Sequelize, pg-promise, cursors; and for
 * `postgres` (postgres.js), by its own `cancel()`.
 *
 * The connection stays usable, and no other query is ever hit: the next one of a connection is sent
 * when the server has taken note of the cancel. `ROLLBACK` and what else cleans up runs in an
 * operation that is canceled, too; a `COMMIT` on its way is left alone.
 *
 * @throws TypeError for options that are not possible
 * @example
 * CancelableModule.forRoot({ extensions: [postgres()] })
 * @publicApi
 */
export function postgres(options: PostgresOptions = {}): CancelableExtension {
  const { deadlines = false } = readOptions(options, 'postgres()', { deadlines: readBoolean });
  return {
    name: 'postgres',
    async install({ registry }) {
      const host = OperationRegistry.liveOf(registry);
      const lazy = await lazyQueryPrototypes();
      const libraries = await findLibraries(lazy.length > 0);
      return undoing([
        ...libraries.map((library) => replaceMethods(host, { library, deadlines })),
        ...lazy.map((prototype) => handleMethod.replaceOn(prototype, host, {})),
      ]);
    },
  };
}

/** @param isOptional something else is there, and `pg` may be missing */
async function findLibraries(isOptional: boolean): Promise<Library[]> {
  const load = () => import('pg');
  const own: unknown = isOptional
    ? await loadIfInstalled('pg', load)
    : await loadPeer('pg', 'nestjs-cancelable/postgres', load);
  const copies = [own, ...loadedCopies('pg', 'lib/index.js')].filter((copy) => copy !== undefined);
  return [...new Set(copies.map(libraryOf))];
}

/** Imported as an ES module, it is below the default. */
function libraryOf(loaded: unknown): Library {
  return ((loaded as { default?: unknown }).default ?? loaded) as Library;
}

/** @returns takes them back */
function replaceMethods(host: object, settings: PostgresSettings): () => void {
  const { Client, Pool } = settings.library;
  return undoing([
    pulse.replaceOn(Client.prototype, host, settings),
    connectMethod.replaceOn(Client.prototype, host, settings),
    queryMethod.replaceOn(Client.prototype, host, settings),
    takeMethod.replaceOn(ownerOf(Pool.prototype, 'connect'), host, settings),
  ]);
}
