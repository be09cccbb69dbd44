import 'reflect-metadata';
import { Controller, Delete, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { SyncService } from './sync.service.js';

@Controller('runs')
class RunsController {
  constructor(private readonly operations: OperationRegistry) {}

  /** Those that ran, and the one that runs. */
  @Get()
  runs() {
    const filter = { kind: 'cron', name: 'sync' } as const;
    const live = this.operations.list(filter).map((operation) => operation.snapshot());
    return { ended: this.operations.history(filter), live };
  }

  @Delete()
  stop() {
    return { canceled: this.operations.cancelAll({ kind: 'cron', name: 'sync' }) };
  }
}

@Module({
  imports: [CancelableModule.forRoot(), ScheduleModule.forRoot()],
  controllers: [RunsController],
  providers: [SyncService],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn'] });
app.enableShutdownHooks(undefined, { useProcessExit: true });
await app.listen(Number(process.env['PORT'] ?? 3000));
console.log(`Runs are at http://localhost:${new URL(await app.getUrl()).port}/runs`);
