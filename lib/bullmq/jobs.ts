import type { Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { type CancelationError, isCancelation } from '../scope/cancelation-error.js';
import { rootCause } from '../operation/causes.js';
import { describeError } from '../scope/describe-error.js';
import { OperationRefused } from '../operation/operation-errors.js';
import type { OperationLog } from '../operation/operation-log.js';
import { Operation } from '../operation/operation.js';
import type { OperationState } from '../operation/operation-state.js';
import { type JobCall, jobIdOf, type JobPort } from '../methods/job-call.js';
import type { OperationStore } from '../registry/operation-store.js';
import { ProgressFeed } from '../registry/progress-feed.js';
import { PatientWait } from '../shutdown/patient-wait.js';

/**
 * Reasons after which a job would only be canceled again. Timeouts are tried again, as failures
 * are.
 */
const FINAL = new Set(['manual', 'superseded', 'condition', 'signal']);

/** The errors that BullMQ understands as more than a failure. */
export interface JobErrors {
  readonly UnrecoverableError: typeof UnrecoverableError;
  readonly WaitingError: typeof WaitingError;
}

/**
 * The jobs of one application: what the queue is told of their operations, and they of the queue.
 */
export class Jobs implements JobPort {
  private readonly workers = new Map<Worker, () => void>();

  constructor(
    private readonly live: OperationStore,
    private readonly log: OperationLog,
    private readonly errors: JobErrors,
  ) {}

  async follow({ args, state }: JobCall, outcome: Promise<unknown>): Promise<unknown> {
    const job = args[0] as unknown as Job;
    const [, token] = args;
    this.track(workerOf(job));
    const stop = state === undefined ? undefined : this.passProgress(state, job);
    try {
      return await outcome;
    } catch (error) {
      if (error instanceof OperationRefused) {
        this.pauseWorkers();
        return await this.giveBack(job, token, error);
      }
      if (state?.record === undefined || !isCancelation(error)) throw error;
      await this.bodyHasStopped(state);
      return await this.answer(job, token, error);
    } finally {
      stop?.();
    }
  }

  /** Puts a job back, so that another process takes it, without counting the attempt. */
  private async giveBack(job: Job, token: string | undefined, error: Error): Promise<never> {
    if (token === undefined) throw error;
    await job.moveToWait(token);
    throw new this.errors.WaitingError(error.message);
  }

  private answer(job: Job, token: string | undefined, error: CancelationError): Promise<never> {
    const reason = rootCause(error)?.reason ?? error.reason;
    if (reason === 'shutdown') return this.giveBack(job, token, error);
    if (!FINAL.has(reason)) throw error;
    const final = new this.errors.UnrecoverableError(error.message);
    final.cause = error;
    throw final;
  }

  /** A job is not handed on while its body still runs, except if that ignores the cancel. */
  private async bodyHasStopped(state: OperationState): Promise<void> {
    const busy = () => (state.outcome === undefined ? [state] : []);
    await new PatientWait().wait(busy, this.live.cleanupLimit);
  }

  private passProgress(state: OperationState, job: Job): () => void {
    const operation = Operation.of(state);
    const feed = new ProgressFeed(() => {
      job.updateProgress({ ...operation.progress }).catch((error: unknown) => {
        const line = `The progress of job ${jobIdOf(job)} is lost: ${describeError(error)}`;
        state.host.log.debug(line, state);
      });
    });
    const stopProgress = operation.onProgress(() => feed.offer());
    // The body has begun already.
    if (operation.progress !== undefined) feed.offer();
    return () => {
      stopProgress();
      feed.flush();
    };
  }

  /** A worker is known from its first job on. */
  private track(worker: Worker | undefined): void {
    if (worker === undefined || this.workers.has(worker)) return;
    const onLockLost = (ids: string[]) => {
      for (const id of ids) this.loseLock(jobIdOf({ queueName: worker.name, id }));
    };
    worker.on('lockRenewalFailed', onLockLost);
    this.workers.set(worker, () => worker.off('lockRenewalFailed', onLockLost));
  }

  private loseLock(id: string): void {
    const state = this.live.get(id);
    if (state === undefined) return;
    const message = 'the lock of the job is lost, another worker may run it';
    cancelScope(state, new CancelRecord('superseded', message));
  }

  /** No new jobs; those that run go on. */
  pauseWorkers(): void {
    for (const worker of this.workers.keys()) {
      if (worker.isPaused()) continue;
      worker.pause(true).catch((error: unknown) => {
        this.log.warn(`The worker of ${worker.name} could not be paused: ${describeError(error)}`);
      });
    }
  }

  forgetWorkers(): void {
    for (const forget of this.workers.values()) forget();
    this.workers.clear();
  }
}

/** A job that a worker took is made over the worker itself. */
function workerOf(job: Job): Worker | undefined {
  const { queue } = job as unknown as { queue?: Partial<Worker> };
  return typeof queue?.pause === 'function' && typeof queue.isPaused === 'function'
    ? (queue as Worker)
    : undefined;
}
