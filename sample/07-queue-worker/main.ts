import 'reflect-metadata';
import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule } from 'nestjs-cancelable';
import { bullmq } from 'nestjs-cancelable/bullmq';
import { findRedis } from './redis.js';
import { ReportsController } from './reports.controller.js';
import { ReportsProcessor } from './reports.processor.js';

@Module({
  imports: [
    CancelableModule.forRoot({ extensions: [bullmq()], shutdown: { grace: '1s' } }),
    BullModule.forRoot({ connection: await findRedis() }),
    BullModule.registerQueue({ name: 'reports' }),
  ],
  controllers: [ReportsController],
  providers: [ReportsProcessor],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn'] });
app.enableShutdownHooks(undefined, { useProcessExit: true });
await app.listen(Number(process.env['PORT'] ?? 3000));
console.log(`Reports are at http://localhost:${new URL(await app.getUrl()).port}/reports`);
