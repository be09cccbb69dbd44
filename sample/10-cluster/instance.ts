import 'reflect-metadata';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule } from 'nestjs-cancelable';
import { redisBus } from 'nestjs-cancelable/redis';
import { InstancesController } from './instances.controller.js';
import { instanceName } from './instance-name.js';
import { JobsController } from './jobs.controller.js';
import { PageController } from './page.controller.js';

/** One of the three applications. They differ by their name, and share a Redis. */
@Module({
  imports: [
    CancelableModule.forRoot({
      cluster: {
        bus: redisBus({ url: process.env['REDIS_URL']! }),
        service: 'sample-cluster',
        instance: instanceName,
      },
      shutdown: { grace: '1s' },
    }),
  ],
  controllers: [PageController, JobsController, InstancesController],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
app.use((_request: unknown, response: ServerResponse, next: () => void) => {
  response.setHeader('x-served-by', instanceName);
  next();
});
app.enableShutdownHooks(undefined, { useProcessExit: true });
await app.listen(0, '127.0.0.1');
// The one that started it has ended, and could not say so.
process.once('disconnect', () => process.exit(1));
process.send!((app.getHttpServer().address() as AddressInfo).port);
