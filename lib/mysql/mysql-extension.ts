import type { CancelableExtension } from '../registry/cancelable-extension.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { loadPeer } from '../scope/load-peer.js';
import { undoing } from '../scope/shared-method.js';
import { checkOptions } from '../scope/validate.js';
import { Killers } from './killer.js';
import type { Mysql2Library } from './mysql2-library.js';
import type { MysqlSettings } from './mysql-settings.js';
import { tieCommands } from './tied-commands.js';
import { tiePools } from './tied-pools.js';

/**
 * Lets a cancel reach the queries of `mysql2` that an operation has begun, on MySQL and MariaDB: one
 * that runs is killed on the server, and its connection goes back to its pool; one that waits for its
 * connection is never sent; who waits for a connection of a pool is let go; new ones are refused,
 * except in shields and cleanups. `ROLLBACK` and other statements that clean up always run. It takes
 * no options.
 *
 * Queries outside of an operation are left alone.
 *
 * @throws TypeError for options
 * @example
 * CancelableModule.forRoot({ extensions: [mysql()] })
 *
 * \@Get('report')
 * \@Cancelable('30s')
 * async report() {
 *   return this.pool.query('SELECT … FROM orders GROUP BY …'); // ends with the request
 * }
 * @publicApi
 */
export function mysql(...given: []): CancelableExtension {
  for (const options of given as unknown[]) checkOptions(options, 'mysql()', {});
  return {
    name: 'mysql',
    async install({ registry }) {
      const load = () => import('mysql2');
      const library = (await loadPeer(
        'mysql2',
        'nestjs-cancelable/mysql',
        load,
      )) as unknown as Mysql2Library;
      const host = OperationRegistry.liveOf(registry);
      const settings: MysqlSettings = { library, killers: new Killers(library) };
      return undoing([
        () => settings.killers.close(),
        tieCommands(library, host, settings),
        tiePools(library, host, settings),
      ]);
    },
  };
}
