import { jest } from '@jest/globals';
import type * as nodeRedis from 'redis';
import { describeClients } from './behaviour.js';
import { nodeRedisLibrary } from './clients.js';

jest.unstable_mockModule('redis', () => import('redis-6'));
const library: typeof nodeRedis = await import('redis');
const extension = await import('nestjs-cancelable/redis');

describeClients(nodeRedisLibrary('redis 6', library), extension);
