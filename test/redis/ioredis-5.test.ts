import { jest } from '@jest/globals';
import { describeClients } from './behaviour.js';
import { ioredisLibrary } from './clients.js';

jest.unstable_mockModule('ioredis', () => import('ioredis-5'));
const library = await import('ioredis');
const extension = await import('nestjs-cancelable/redis');

describeClients(ioredisLibrary('ioredis 5', library), extension);
