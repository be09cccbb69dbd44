import { BullModule, Processor, WorkerHost } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Job } from 'bullmq';
import { Cancelable, CancelableModule, currentOperation } from 'nestjs-cancelable';
import { bullmq } from 'nestjs-cancelable/bullmq';
import { redisBus } from 'nestjs-cancelable/redis';

/** An instance with a worker for each of two queues, in a process of its own. */
const [port, instance] = process.argv.slice(2) as [string, string];

@Processor('reports')
class Reports extends WorkerHost {
  @Cancelable('1h')
  async process({ name }: Job): Promise<void> {
    if (name === 'failing') throw new Error('no paper');
    await currentOperation().sleep('1h');
  }
}

@Processor('mails')
class Mails extends WorkerHost {
  @Cancelable('1h')
  process(): Promise<void> {
    return currentOperation().sleep('1h');
  }
}

@Module({
  imports: [
    CancelableModule.forRoot({
      extensions: [bullmq()],
      cluster: {
        bus: redisBus({ url: `redis://127.0.0.1:${port}` }),
        service: 'jobs',
        instance,
        heartbeat: '200ms',
      },
      shutdown: { grace: '1ms', cleanup: '1ms' },
    }),
    BullModule.forRoot({ connection: { host: '127.0.0.1', port: Number(port) } }),
    BullModule.registerQueue({ name: 'reports' }, { name: 'mails' }),
  ],
  providers: [Reports, Mails],
})
class AppModule {}

await NestFactory.createApplicationContext(AppModule, { logger: false });
process.on('disconnect', () => process.exit());
process.send?.('ready');
