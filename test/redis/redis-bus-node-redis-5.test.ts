import { describeNodeRedisBus } from './node-redis-bus.js';

await describeNodeRedisBus('redis 5', () => import('redis'));
