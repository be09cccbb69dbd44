import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { contextStorage } from '../scope/context-storage.js';
import { cancelScope } from '../scope/cancel.js';
import { type CancelOptions, CancelRecord } from '../scope/cancel-record.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import type { OperationState } from '../operation/operation-state.js';
import { remoteCancel } from '../scope/remote-cancel.js';
import { planOf } from '../operation/operation-plan.js';
import { runBody } from '../operation/run.js';
import { DerivedValue } from '../scope/derived-value.js';
import { carry } from './cancel-by-id.js';
import { ThreadHost } from './thread-host.js';
import { ThreadState } from './thread-state.js';
import { CANCELED, type CarriedOperation, type ThreadOrder, type ThreadReport } from './wire.js';
import { errorFromWire } from './wire-errors.js';

const live = new Map<OperationState, ThreadOperation>();

/** Looked at whenever somebody asks whether an operation of this thread is canceled. */
function pollCancels(): void {
  for (const operation of live.values()) operation.pollCancel();
}

/**
 * The operation of the main thread, in the thread that works for it: an operation like any other,
 * whose cancel comes from there and whose reports go there.
 */
export class ThreadOperation {
  readonly state: OperationState;
  private readonly flag: Int32Array;
  private readonly questions = new Map<number, (canceled: boolean) => void>();
  private asked = 0;
  /** The cancel came from the main thread: it knows. */
  private cancelCameFromMain = false;

  /** The one that the current operation belongs to; `undefined` in the main thread. */
  static above(state: OperationState | undefined): ThreadOperation | undefined {
    for (let up = state; up !== undefined; up = up.parentOperation) {
      const operation = live.get(up);
      if (operation !== undefined) return operation;
    }
    return undefined;
  }

  constructor(
    carried: CarriedOperation,
    flag: SharedArrayBuffer,
    private readonly port: MessagePort,
  ) {
    this.flag = new Int32Array(flag);
    const host = new ThreadHost(
      {
        debug: (message) => this.log('debug', message),
        warn: (message) => this.log('warn', message),
        error: (message, stack) => this.log('error', message, stack),
      },
      carried.cleanupLimit,
      {
        progressed: (state, progress) => {
          if (state === this.state) this.report({ type: 'progress', progress }, 'reportProgress()');
        },
        canceled: (state, record) => {
          if (state === this.state && !this.cancelCameFromMain) this.tell(record);
        },
      },
    );
    const { name, kind, tags, metadata } = carried;
    const plan = planOf(
      {
        name,
        kind,
        settle: 'wait',
        ...(tags === undefined ? undefined : { tags: [...tags] }),
        ...(metadata === undefined ? undefined : { metadata }),
      },
      (each, of) => host.countersOf(each, of),
    );
    this.state = new ThreadState(host, plan, carried, (report, where) =>
      this.report(report, where),
    );
    port.on('message', (order: ThreadOrder) => this.handleOrder(order));
    live.set(this.state, this);
    remoteCancel.poll = pollCancels;
  }

  /** Runs the work in the operation's context. Rejects with the operation's error once canceled. */
  run(body: () => unknown): Promise<unknown> {
    this.pollCancel();
    return runBody(this.state, body, undefined, []);
  }

  /** Runs a part of the work in the operation's context; its end is not the work's. */
  within<Result>(part: () => Result): Result {
    this.pollCancel();
    if (this.state.record !== undefined) throw this.state.error();
    return contextStorage.run(this.state.cell, part);
  }

  /** The work has ended: nothing is forwarded any more. */
  close(): void {
    const { extras } = this.state;
    const partial = extras?.partialResult;
    if (partial instanceof DerivedValue) this.report({ type: 'partial', value: partial.read() });
    live.delete(this.state);
    if (live.size === 0) remoteCancel.poll = undefined;
    this.questions.clear();
  }

  /** Whether an error is the operation's own: its cancel. */
  isOwn(error: unknown): boolean {
    return this.state.record !== undefined && error === this.state.error();
  }

  pollCancel(): void {
    if (this.cancelCameFromMain || Atomics.load(this.flag, 0) !== CANCELED) return;
    for (
      let next = receiveMessageOnPort(this.port);
      next !== undefined;
      next = receiveMessageOnPort(this.port)
    ) {
      this.handleOrder(next.message as ThreadOrder);
    }
  }

  /** Asks the main thread to cancel an operation. */
  cancel(id: string, options: CancelOptions): Promise<boolean> {
    return new Promise((resolve) => {
      const question = this.asked++;
      this.questions.set(question, resolve);
      this.report({ type: 'cancel', question, id, cancel: carry(options, this.state.id) });
    });
  }

  /** @param where the user's call, if the message carries a value of the user's */
  report(report: ThreadReport, where?: string): void {
    try {
      this.port.postMessage(report);
    } catch (error) {
      if (where === undefined) throw error;
      throw new TypeError(
        `${where} in a worker thread: the value cannot be cloned, so it cannot reach the main ` +
          `thread. Pass plain data. (${(error as Error).message})`,
        { cause: error },
      );
    }
  }

  private handleOrder(order: ThreadOrder): void {
    if (order.type === 'cancel') {
      if (this.cancelCameFromMain) return;
      this.cancelCameFromMain = true;
      cancelScope(this.state, recordFrom(errorFromWire(order.error) as CancelationError));
    } else {
      this.questions.get(order.question)?.(order.canceled);
      this.questions.delete(order.question);
    }
  }

  private tell(record: CancelRecord): void {
    const { reason, message, requestedBy } = record;
    const cause = record.origin ?? record.cause;
    this.report({
      type: 'canceled',
      cancel: carry(
        {
          reason,
          ...(message === undefined ? undefined : { message }),
          ...(cause === undefined ? undefined : { cause }),
          ...(requestedBy === undefined ? undefined : { requestedBy }),
        },
        this.state.id,
      ),
    });
  }

  private log(level: 'debug' | 'warn' | 'error', message: string, stack?: string): void {
    this.report({ type: 'log', level, message, stack });
  }
}

function recordFrom(error: CancelationError): CancelRecord {
  const { reason, message, cause, requestedBy, canceledAt } = error;
  const record = new CancelRecord(reason, message, { cause, requestedBy });
  return Object.assign(record, { at: canceledAt.getTime() });
}
