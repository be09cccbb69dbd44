import type { OperationState } from '../operation/operation-state.js';
import type { Signal } from '../scope/abort-signal.js';
import { type CallOptions, SILENT_CALL } from '../operation/operation-plan.js';
import type { SourceTrigger } from '../operation/start-sources.js';

/** A job of BullMQ, as far as it is looked at. */
export interface JobLike {
  readonly id?: string;
  readonly name: string;
  readonly queueName: string;
  readonly attemptsMade: number;
}

/** The arguments of a processor; BullMQ gives the signal only if the processor takes three. */
export type JobArguments = readonly [job: JobLike, token?: string, signal?: Signal];

/** The extension that tells a queue the outcomes of its jobs. */
export interface JobPort {
  /** @returns what the queue gets */
  follow(call: JobCall, outcome: Promise<unknown>): Promise<unknown>;
}

/** One run of a job. */
export class JobCall {
  /** `undefined`: its operation was not begun. */
  state: OperationState | undefined = undefined;

  constructor(readonly args: JobArguments) {}
}

/** `queue:jobId`: how a job is found among the operations, and canceled. */
export function jobIdOf({ queueName, id }: Pick<JobLike, 'queueName' | 'id'>): string {
  return `${queueName}:${id}`;
}

export function isJobCall(args: readonly unknown[]): args is JobArguments {
  const job = args[0] as Partial<JobLike> | null | undefined;
  return typeof job === 'object' && job !== null && typeof job.queueName === 'string';
}

/**
 * Options that a job adds to its call: its id, what it is, and the queue's own way to cancel it.
 *
 * @param call what the method's own options say
 * @param sources of the method, where the call has none
 * @param live the live operations by id: a job that lost its lock may come again while its former
 * run stops
 */
export function jobOptions(
  [job, , signal]: JobArguments,
  call: CallOptions | undefined,
  sources: readonly unknown[] | undefined,
  live: { get(id: string): unknown },
): CallOptions {
  const id = call?.id ?? jobIdOf(job);
  const { queueName, name, attemptsMade } = job;
  const own = call?.sources ?? sources ?? [];
  return {
    ...(call ?? SILENT_CALL),
    id: live.get(id) === undefined ? id : undefined,
    metadata: { queue: queueName, job: name, attempt: attemptsMade + 1, ...call?.metadata },
    sources: signal === undefined ? own : [...own, fromQueue(signal)],
  };
}

/** `worker.cancelJob()` and `registry.cancel()` are the same thing: both are `manual`. */
function fromQueue(signal: AbortSignal): object {
  return {
    name: 'canceled by the queue',
    start(trigger: (trigger: SourceTrigger) => void) {
      const listener = () => {
        const reason: unknown = signal.reason;
        trigger({ reason: 'manual', ...(typeof reason === 'string' ? { message: reason } : {}) });
      };
      if (signal.aborted) listener();
      signal.addEventListener('abort', listener);
      return () => signal.removeEventListener('abort', listener);
    },
  };
}
