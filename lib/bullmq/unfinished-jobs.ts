import type { Job, Worker } from 'bullmq';
import { jobIdOf } from '../methods/job-call.js';
import type { PendingWork } from '../registry/pending-work.js';

/** Where a job is that no worker has taken. */
const WAITING: ReadonlySet<string> = new Set([
  'waiting',
  'paused',
  'delayed',
  'prioritized',
  'waiting-children',
]);

/** Finds the jobs of queues that have a worker here, whether they wait or run elsewhere. */
export class UnfinishedJobs {
  private readonly workers = new Set<Worker>();

  constructor(private readonly jobs: typeof Job) {}

  /** Until it closes. */
  follow(worker: Worker): void {
    this.workers.add(worker);
    worker.once('closed', () => this.workers.delete(worker));
  }

  forget(): void {
    this.workers.clear();
  }

  /** @param id `queue:jobId`, or a job's own id, which is looked for in all queues */
  async find(id: string): Promise<PendingWork[]> {
    const [queue, own] = splitId(id);
    const found = this.queues()
      .filter(({ name }) => queue === undefined || name === queue)
      .map((worker) => this.findIn(worker, own));
    return (await Promise.all(found)).flat();
  }

  /** One worker of each queue. */
  private queues(): Worker[] {
    const open = [...this.workers].filter(({ closing }) => closing === undefined);
    return [...new Map(open.map((worker) => [worker.toKey(''), worker])).values()];
  }

  private async findIn(worker: Worker, id: string): Promise<PendingWork[]> {
    const job = await this.jobs.fromId(worker, id);
    if (job === undefined) return [];
    const state: string = await job.getState();
    if (!WAITING.has(state) && state !== 'active') return [];
    const { queueName, name, attemptsMade } = job;
    return [
      {
        id: jobIdOf(job),
        name: queueName,
        kind: 'job',
        metadata: { queue: queueName, job: name, attempt: attemptsMade + 1 },
        cancel: () => removeWaiting(job),
      },
    ];
  }
}

/** The name of a queue has no colon. */
function splitId(id: string): [queue: string | undefined, own: string] {
  const colon = id.indexOf(':');
  return colon < 0 ? [undefined, id] : [id.slice(0, colon), id.slice(colon + 1)];
}

/** @throws Error for a job that BullMQ does not remove, such as that of a scheduler */
async function removeWaiting(job: Job): Promise<boolean> {
  if (!WAITING.has(await job.getState())) return false;
  try {
    await job.remove();
    return true;
  } catch (error) {
    // A worker has taken it in between.
    if ((await job.getState()) === 'active') return false;
    throw error;
  }
}
