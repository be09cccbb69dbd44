import { setImmediate } from 'node:timers';
import type { OpenCalls } from '../transports/open-calls.js';
import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { describeError } from '../scope/describe-error.js';
import { monotonicNow } from '../scope/clock.js';
import type { OnShutdown } from '../operation/operation-options.js';
import type { OperationState } from '../operation/operation-state.js';
import { ALL } from '../registry/operation-filter.js';
import { ownChain } from '../registry/own-chain.js';
import type { InfoLog } from '../operation/safe-log.js';
import { DrainLog } from './drain-log.js';
import { freePorts, whenOrphaned } from './parent-process.js';
import { PatientWait } from './patient-wait.js';
import { listenForRepeatedSignals } from './repeated-signals.js';
import type { ShutdownSettings } from './shutdown-options.js';

/** The RPC server of Nest takes one; gateways and proxies may need some more. */
const TURNS_TO_ANSWER = 5;

/** What a drain asks of the transports. */
export interface DrainedTransports {
  /** Somebody sends calls here who has to notice first that they should go elsewhere. */
  readonly areServing: boolean;
  /** Streams end at once, as Nest's option `forceCloseConnections` says. */
  readonly forceClose: boolean;
  /** Disconnects those who are connected for long, and waits for what is done about it. */
  disconnect(): Promise<void>;
}

/**
 * The end of an application's work, before anything it uses is closed: time for load balancers to
 * notice, then no new operations, time to finish for those that run, then a cancel, time to clean
 * up, and a line in the log for what is still there.
 */
export class Drain {
  private running: Promise<void> | undefined = undefined;
  private graceEnds = 0;
  private readonly leavers = new Set<() => void>();
  private readonly beginListeners = new Set<() => unknown>();
  private readonly endListeners = new Set<() => void>();
  private readonly log: DrainLog;

  constructor(
    private readonly calls: OpenCalls,
    private readonly settings: ShutdownSettings,
    private readonly transports: DrainedTransports,
    log: InfoLog,
  ) {
    this.log = new DrainLog(log, settings);
  }

  /** Called once, as soon as the application is about to drain. Must not throw. */
  onLeave(listener: () => void): void {
    this.leavers.add(listener);
  }

  /** Called once, when the drain begins. What it throws, or rejects with, is logged. */
  onBegin(listener: () => unknown): () => void {
    this.beginListeners.add(listener);
    return () => void this.beginListeners.delete(listener);
  }

  /** Called once, when nothing is waited for any more. Must not throw. */
  onEnd(listener: () => void): void {
    this.endListeners.add(listener);
  }

  /** However many hooks ask for it, there is one. */
  begin(): Promise<void> {
    return (this.running ??= this.run());
  }

  /** The application is started anew. */
  reset(): void {
    this.running = undefined;
    this.graceEnds = 0;
    this.calls.live.phase = 'open';
  }

  /** How long what runs may go on, in milliseconds. */
  get grace(): number {
    return this.settings.grace;
  }

  /** How long what is no operation may go on, in milliseconds: the drain may have ended early. */
  get remainingGrace(): number {
    return Math.max(0, this.graceEnds - monotonicNow());
  }

  private async run(): Promise<void> {
    const { live } = this.calls;
    const { delay, grace, cleanup } = this.settings;
    const { log } = this;
    // A handler may close its own application: it cannot be waited for.
    const own = ownChain();
    const patience = new PatientWait();
    let isUrged = false;
    const undo = [
      listenForRepeatedSignals(() => {
        isUrged = true;
        this.graceEnds = 0;
        patience.end();
      }),
      whenOrphaned(() => {
        freePorts();
        patience.resume();
      }),
    ];
    const busy = () =>
      live.list(ALL).filter((state) => !own.has(state) && onShutdownOf(state) !== 'ignore');
    const running = () => busy().filter((state) => state.record === undefined);
    // What was canceled before has had a part of its time, or all of it.
    const cleaning = () => busy().filter((state) => !isOverdue(state, cleanup));
    try {
      live.phase = 'leaving';
      this.materializeCalls();
      for (const listener of this.leavers) listener();
      const pause = this.transports.areServing ? delay : 0;
      log.begins(busy(), pause);
      if (pause > 0) {
        await patience.pause(pause);
        this.materializeCalls();
      }
      live.phase = 'draining';
      for (const call of this.calls.list()) call.drain();
      this.notifyBeginListeners();
      if (!isUrged) this.graceEnds = monotonicNow() + grace;
      this.cancel(running().filter((state) => onShutdownOf(state) === 'cancel'));
      if (this.transports.forceClose) this.cancelStreams();
      if (!(await patience.wait(running, grace))) {
        const late = running();
        log.cancels(late, isUrged);
        this.cancel(late);
        patience.renew();
      }
      await patience.wait(cleaning, cleanup);
      await patience.race(this.transports.disconnect(), cleanup);
      await patience.wait(cleaning, cleanup);
      const stragglers = busy();
      // What was begun meanwhile, by cleanups for one, has had no cancel yet.
      this.cancel(running());
      live.zombieLog.flush();
      log.ends(stragglers);
    } finally {
      for (const step of undo) step();
      live.phase = 'drained';
      this.releaseCalls();
      for (const listener of this.endListeners) listener();
    }
    await handOverAnswers();
  }

  /** What serves a call becomes an operation, to be waited for and named. */
  private materializeCalls(): void {
    for (const call of this.calls.list()) call.materialize();
  }

  private cancel(states: readonly OperationState[]): void {
    const record = new CancelRecord('shutdown');
    for (const state of states) cancelScope(state, record);
  }

  private cancelStreams(): void {
    const record = new CancelRecord('shutdown');
    for (const call of this.calls.list()) {
      const scope = call.isStream ? call.materialize() : undefined;
      if (scope !== undefined) cancelScope(scope, record);
    }
  }

  /** What still holds a connection lets go of it: a server does not close while somebody waits. */
  private releaseCalls(): void {
    const record = new CancelRecord('shutdown');
    for (const call of this.calls.list()) {
      const scope = call.materialize();
      if (scope !== undefined) cancelScope(scope, record);
      call.abandon();
    }
  }

  private notifyBeginListeners(): void {
    const report = (error: unknown) =>
      this.calls.live.log.error(`A listener of the shutdown failed: ${describeError(error)}`);
    for (const listener of this.beginListeners) {
      try {
        const result = listener();
        if (result instanceof Promise) result.catch(report);
      } catch (error) {
        report(error);
      }
    }
  }
}

/** Transports write what handlers gave some turns later: before that, nothing may be closed. */
async function handOverAnswers(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_ANSWER; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Canceled so long ago that nobody waits any more; what is not canceled is waited for. */
function isOverdue({ record }: OperationState, cleanup: number): boolean {
  return record !== undefined && monotonicNow() - record.moment > cleanup;
}

/** The nearest word wins, but what is ignored is ignored with all that it calls. */
function onShutdownOf(state: OperationState): OnShutdown {
  for (let up: OperationState | undefined = state; up !== undefined; up = up.parentOperation) {
    if (up.plan.onShutdown === 'ignore') return 'ignore';
  }
  return state.plan.onShutdown;
}
