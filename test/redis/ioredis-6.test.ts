import * as library from 'ioredis';
import * as extension from 'nestjs-cancelable/redis';
import { describeClients } from './behaviour.js';
import { ioredisLibrary } from './clients.js';

describeClients(ioredisLibrary('ioredis 6', library), extension);
