import * as extension from 'nestjs-cancelable/redis';
import * as library from 'redis';
import { describeClients } from './behaviour.js';
import { nodeRedisLibrary } from './clients.js';

describeClients(nodeRedisLibrary(library), extension);
