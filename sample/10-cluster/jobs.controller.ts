import {
  Controller,
  DefaultValuePipe,
  Delete,
  Get,
  NotFoundException,
  Param,
  ParseFloatPipe,
  Post,
  Query,
  Sse,
} from '@nestjs/common';
import {
  type ClusterOperation,
  type ClusterRegistry,
  currentOperation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { instanceName } from './instance-name.js';

@Controller('jobs')
export class JobsController {
  /** Clients name the ids: what is no job is out of their reach. */
  private readonly jobs: ClusterRegistry;

  constructor(private readonly operations: OperationRegistry) {
    this.jobs = operations.cluster.scoped({ name: 'job' });
  }

  /** Runs here, whichever instance this is, and goes on after the answer. */
  @Post()
  start(@Query('seconds', new DefaultValuePipe(60), ParseFloatPipe) seconds: number) {
    const { id } = this.operations.spawn({ name: 'job', timeout: '10m' }, () => work(seconds));
    return { servedBy: instanceName, id };
  }

  /** Those of all instances that run. */
  @Get()
  async list() {
    const { operations, ...answer } = await this.jobs.list();
    return { servedBy: instanceName, ...answer, jobs: operations.map(summaryOf) };
  }

  /** One that runs, or has ended a while ago. */
  @Get(':id')
  async find(@Param('id') id: string) {
    const { operation, ...answer } = await this.jobs.get(id);
    if (operation === undefined) throw new NotFoundException();
    return { servedBy: instanceName, ...answer, job: summaryOf(operation) };
  }

  /** Its progress, and how it ends, wherever it runs. */
  @Sse(':id/progress')
  follow(@Param('id') id: string) {
    return this.jobs.watch(id);
  }

  /** Wherever it runs. `owner` says where that was. */
  @Delete(':id')
  async cancel(@Param('id') id: string) {
    const message = `canceled through instance ${instanceName}`;
    return { servedBy: instanceName, ...(await this.jobs.cancel(id, { message })) };
  }
}

/** Takes its time, a hundred steps. */
async function work(seconds: number): Promise<void> {
  const operation = currentOperation();
  for (let current = 1; current <= 100; current++) {
    await operation.sleep(Math.max(1, seconds * 10));
    operation.reportProgress({ message: 'steps done', current, total: 100 });
  }
}

function summaryOf({ id, instance, status, progress, reason, message }: ClusterOperation) {
  const steps = progress?.current ?? 0;
  return { id, instance, status, steps, reason, message };
}
