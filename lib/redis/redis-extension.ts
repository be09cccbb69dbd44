import { OperationRegistry } from '../registry/operation-registry.js';
import type { CancelableExtension } from '../registry/cancelable-extension.js';
import { loadIfInstalled } from '../scope/load-peer.js';
import { undoing } from '../scope/shared-method.js';
import { checkOptions } from '../scope/validate.js';
import type { RedisSettings } from './client-state.js';
import { type IoredisLibrary, tieIoredis } from './ioredis-clients.js';
import { tieNodeRedis } from './node-redis-clients.js';
import { Unblockers } from './unblocker.js';

/**
 * Lets a cancel reach the commands of `ioredis` and of `redis` that an operation has sent: one that
 * blocks is interrupted, on the server too, and its connection stays usable; one that waits for a
 * connection is never sent; new ones are refused, except in shields and cleanups. An element that
 * the server has already handed over is delivered. It takes no options.
 *
 * Commands outside of an operation, pipelines, transactions and clusters are left alone.
 *
 * @throws TypeError for options
 * @example
 * CancelableModule.forRoot({ extensions: [redisCommands()] })
 *
 * \@Get('next')
 * \@Cancelable('30s')
 * async next() {
 *   return this.redis.blpop('jobs', 0); // ends with the request
 * }
 * @publicApi
 */
export function redisCommands(...given: []): CancelableExtension {
  for (const options of given as unknown[]) checkOptions(options, 'redisCommands()', {});
  return {
    name: 'redis',
    async install({ registry }) {
      const [ioredis, redis] = await Promise.all([
        loadIfInstalled('ioredis', () => import('ioredis')),
        loadIfInstalled('redis', () => import('redis')),
      ]);
      if (ioredis === undefined && redis === undefined) {
        throw new Error(
          'nestjs-cancelable/redis needs the package ioredis or redis: ' +
            'npm install ioredis, or npm install redis',
        );
      }
      const host = OperationRegistry.liveOf(registry);
      const settings: RedisSettings = { unblockers: new Unblockers() };
      const restores = [() => settings.unblockers.close()];
      if (ioredis !== undefined) {
        // The first versions of ioredis 5 have the class as their default export alone.
        const { default: Redis, Pipeline, Cluster, Command } = ioredis;
        const library = { Redis, Pipeline, Cluster, Command } as unknown as IoredisLibrary;
        restores.push(tieIoredis(library, host, settings));
      }
      if (redis !== undefined) {
        restores.push(tieNodeRedis(redis, host, settings));
      }
      return undoing(restores);
    },
  };
}
