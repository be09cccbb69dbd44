import { InjectQueue } from '@nestjs/bullmq';
import { Controller, Delete, Get, NotFoundException, Param, Post, Query } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { OperationRegistry } from 'nestjs-cancelable';

@Controller('reports')
export class ReportsController {
  constructor(
    @InjectQueue('reports') private readonly queue: Queue,
    private readonly operations: OperationRegistry,
  ) {}

  @Post()
  async order(@Query('city') city = 'Paris', @Query('pace') pace = '100ms') {
    const { id } = await this.queue.add('report', { city, pace }, { attempts: 3 });
    return { id };
  }

  @Get(':id')
  async state(@Param('id') id: string) {
    // First, so that what is read of the job is not older.
    const state = await this.queue.getJobState(id);
    const job = await this.queue.getJob(id);
    if (job === undefined) throw new NotFoundException();
    const { progress, failedReason, returnvalue, attemptsMade } = job;
    return { state, progress, failedReason, returnvalue, attemptsMade };
  }

  /** A job is an operation with the id `queue:jobId`. Canceled, it is not tried again. */
  @Delete(':id')
  stop(@Param('id') id: string) {
    const jobs = this.operations.scoped({ kind: 'job', name: 'reports' });
    return { canceled: jobs.cancel(`reports:${id}`, { message: 'stop pressed' }) };
  }
}
