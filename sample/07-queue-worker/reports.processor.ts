import { Processor, WorkerHost } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { Cancelable, currentOperation } from 'nestjs-cancelable';

/** A report takes a while: a hundred pages, one after the other. */
@Processor('reports')
export class ReportsProcessor extends WorkerHost {
  @Cancelable('10m')
  async process(job: Job<{ city: string; pace: string }>) {
    // No parameter: BullMQ passes arguments of its own after the job.
    const operation = currentOperation();
    for (let page = 1; page <= 100; page++) {
      await operation.sleep(job.data.pace);
      operation.reportProgress({ message: 'pages written', current: page, total: 100 });
    }
    return { city: job.data.city, pages: 100 };
  }
}
