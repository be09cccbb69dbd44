import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { cancelScope } from '../scope/cancel.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import { adoptAsCause } from '../operation/causes.js';
import { monotonicNow } from '../scope/clock.js';
import { formatDuration } from '../scope/duration.js';
import { Operation } from '../operation/operation.js';
import { spreadProgress } from '../operation/progress-delivery.js';
import type { OperationState } from '../operation/operation-state.js';
import { noop } from '../scope/thenable.js';
import { type CallingOperation, follow } from './calling-operation.js';
import { cancelById, recordOf } from './cancel-by-id.js';
import { GracePeriod } from './grace.js';
import { CANCELED, type CarriedOperation, sharedNow, type ThreadReport } from './wire.js';
import { errorFromWire, errorToWire } from './wire-errors.js';

/** How the work in a thread ended. */
export type ThreadOutcome =
  { readonly value: unknown } | { readonly error: unknown; readonly canceled: boolean };

/**
 * The near end of the work that a thread does for an operation: tells it of the cancel, hears its
 * reports, and gives up on it after the grace period.
 */
export class ThreadLink {
  readonly flag = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  /** The thread's end of the channel. */
  readonly port: MessagePort;
  /** Why the work was canceled, once it was. */
  canceled: CancelationError | undefined = undefined;
  outcome: ThreadOutcome | undefined = undefined;

  private promise: Promise<unknown> | undefined = undefined;
  private readonly ownPort: MessagePort;
  private readonly grace: GracePeriod;
  private readonly release: () => void;

  /**
   * @param what for logs
   * @param on.cancel right away; true if the thread need not be told
   * @param on.outcome the work has ended
   * @param on.giveUp the grace period has passed
   */
  constructor(
    private readonly caller: CallingOperation | undefined,
    private readonly what: string,
    grace: number,
    private readonly on: {
      cancel?(): boolean;
      outcome?(): void;
      giveUp(): void;
    },
  ) {
    const { port1, port2 } = new MessageChannel();
    this.ownPort = port1;
    this.port = port2;
    port1.on('message', (report: ThreadReport) => this.receive(report));
    port1.unref();
    this.grace = new GracePeriod(
      grace,
      () => {
        caller?.state.host.log.warn(
          `${what}, for ${caller.state.name}, ignored its cancel for ${formatDuration(grace)} and is terminated`,
          caller.state,
        );
        on.giveUp();
      },
      caller?.state,
    );
    this.release =
      caller === undefined ? () => {} : follow(caller, what, (error) => this.cancel(error));
  }

  /** As it is now. */
  get operation(): CarriedOperation | undefined {
    return this.caller && carried(this.caller.state);
  }

  /** Once canceled, nobody may be waiting any more, and the cancel is no news. */
  quieten(promise: Promise<unknown>): void {
    this.promise = promise;
  }

  private cancel(error: CancelationError): void {
    if (this.canceled !== undefined || this.outcome !== undefined) return;
    this.canceled = error;
    this.promise?.catch(noop);
    if (this.on.cancel?.() === true) return;
    this.ownPort.postMessage({ type: 'cancel', error: errorToWire(error) });
    Atomics.store(new Int32Array(this.flag), 0, CANCELED);
    this.grace.begin();
  }

  /** Hears what was sent before and has not been heard yet; nothing after. */
  close(): void {
    for (
      let next = receiveMessageOnPort(this.ownPort);
      next !== undefined;
      next = receiveMessageOnPort(this.ownPort)
    ) {
      this.receive(next.message as ThreadReport);
    }
    // An operation whose deadline just passed may not have been told yet, unlike the thread.
    this.caller?.scope.checkClock();
    this.grace.end();
    this.release();
    this.ownPort.close();
  }

  /**
   * The error that the work rejects with: the operation's own, where it is an echo of the cancel.
   */
  failure(error: unknown, canceled: boolean): unknown {
    if (!canceled || this.canceled === undefined) return error;
    const { cause } = error as Error;
    if (cause !== undefined) adoptAsCause(this.canceled, cause);
    return this.canceled;
  }

  private receive(report: ThreadReport): void {
    if (report.type === 'returned') return this.conclude({ value: report.value });
    if (report.type === 'failed') {
      return this.conclude({ error: errorFromWire(report.error), canceled: report.canceled });
    }
    const state = this.caller?.state;
    if (state === undefined) return;
    if (report.type === 'log') {
      const { log } = state.host;
      const line = `In ${this.what}: ${report.message}`;
      if (report.level === 'error') log.error(line, report.stack, state);
      else log[report.level](line, state);
    } else if (report.type === 'cancel') {
      const canceled = cancelById(state.host, report.id, recordOf(report.cancel));
      this.ownPort.postMessage({ type: 'answer', question: report.question, canceled });
    } else if (state.outcome === undefined) {
      this.apply(state, report);
    }
  }

  private apply(state: OperationState, report: ThreadReport): void {
    switch (report.type) {
      case 'progress':
        return spreadProgress(state, report.progress);
      case 'partial':
        return Operation.of(state).savePartial(report.value);
      case 'annotate':
        return void Operation.of(state).annotate(report.metadata);
      case 'extend':
        return void Operation.of(state).extend(report.delay);
      case 'canceled':
        return void cancelScope(state, recordOf(report.cancel));
    }
  }

  private conclude(outcome: ThreadOutcome): void {
    this.outcome = outcome;
    this.on.outcome?.();
  }
}

function carried(state: OperationState): CarriedOperation {
  const offset = sharedNow() - monotonicNow();
  const inherited = state.parent?.limit;
  return {
    id: state.id,
    name: state.name,
    kind: state.plan.kind,
    metadata: state.metadata,
    tags: state.tags,
    limit: state.limit === undefined ? undefined : state.limit + offset,
    inheritedLimit: inherited === undefined ? undefined : inherited + offset,
    startedAt: state.startedAt + offset,
    cleanupLimit: state.host.cleanupLimit,
  };
}
