import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { redisCommands } from 'nestjs-cancelable/redis';
import { createClient } from 'redis';
import { Observer } from './server.js';

@Module({ imports: [CancelableModule.forRoot({ extensions: [redisCommands()] })] })
class AppModule {}

const port = Number(process.env['REDIS_PORT']);
const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const registry = app.get(OperationRegistry);
const ioredis = new Redis(port);
const redis = createClient({ socket: { port } });
await redis.connect();
const observer = await Observer.connect(port);
const pops: (() => Promise<unknown>)[] = [
  () => ioredis.blpop('none', 0),
  () => redis.blPop('none', 0),
];
for (const pop of pops) {
  const operation = registry.spawn('pop', pop);
  await observer.blocked();
  operation.cancel();
  await operation.result.catch(() => {});
}
const connections = (await observer.clients()).length;
await ioredis.quit();
await redis.close();
observer.close();
const began = performance.now();
process.once('beforeExit', () => {
  console.log(JSON.stringify({ connections, aliveFor: performance.now() - began }));
});
