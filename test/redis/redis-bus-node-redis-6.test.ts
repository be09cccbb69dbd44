import type * as nodeRedis from 'redis';
import { describeNodeRedisBus } from './node-redis-bus.js';

await describeNodeRedisBus(
  'redis 6',
  () => import('redis-6') as unknown as Promise<typeof nodeRedis>,
);
