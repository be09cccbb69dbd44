import { setImmediate } from 'node:timers';
import type { OpenCalls } from '../contexts/open-calls.js';
import { cancelScope } from '../core/cancel.js';
import { CancelRecord } from '../core/cancel-record.js';
import { describeError } from '../core/describe-error.js';
import { monotonicNow } from '../core/clock.js';
import { formatDuration } from '../core/duration.js';
import type { OnShutdown } from '../core/operation-options.js';
import type { OperationState } from '../core/operation-state.js';
import { ALL } from '../registry/operation-filter.js';
import { ownChain } from '../registry/own-chain.js';
import { PatientWait } from './patient-wait.js';
import { listenForRepeatedSignals } from './repeated-signals.js';
import type { ShutdownSettings } from './shutdown-options.js';

/** The RPC server of Nest takes one; gateways and proxies may need some more. */
const TURNS_TO_ANSWER = 5;

/** How many names a line of the log lists. */
const MOST_NAMES = 10;

/**
 * The end of an application's work, before anything it uses is closed: no new operations, time to
 * finish for those that run, then a cancel, time to clean up, and a line in the log for what is
 * still there.
 */
export class Drain {
  private running: Promise<void> | undefined = undefined;
  private graceEnds = 0;
  private readonly beginners = new Set<() => unknown>();

  constructor(
    private readonly calls: OpenCalls,
    private readonly settings: ShutdownSettings,
  ) {}

  /** Called once, when the drain begins. What it throws, or rejects with, is logged. */
  onBegin(listener: () => unknown): () => void {
    this.beginners.add(listener);
    return () => void this.beginners.delete(listener);
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
    const { grace, cleanup } = this.settings;
    // A handler may close its own application: it cannot be waited for.
    const own = ownChain();
    for (const call of this.calls.list()) {
      call.materialize();
      call.drain();
    }
    live.phase = 'draining';
    this.tellBeginners();
    const patience = new PatientWait();
    this.graceEnds = monotonicNow() + grace;
    const stopListening = listenForRepeatedSignals(() => {
      this.graceEnds = 0;
      patience.end();
    });
    const busy = () =>
      live.list(ALL).filter((state) => !own.has(state) && onShutdownOf(state) !== 'ignore');
    const running = () => busy().filter((state) => state.record === undefined);
    // What was canceled before has had a part of its time, or all of it.
    const cleaning = () => busy().filter((state) => !isOverdue(state, cleanup));
    try {
      this.cancel(running().filter((state) => onShutdownOf(state) === 'cancel'));
      if (!(await patience.wait(running, grace))) {
        const late = running();
        const why =
          this.graceEnds === 0
            ? 'a second signal came'
            : `they did not finish within ${formatDuration(grace)}`;
        live.log.warn(`Shutdown: canceled, since ${why}: ${describe(late)}`);
        this.cancel(late);
        patience.renew();
      }
      await patience.wait(cleaning, cleanup);
      const stragglers = busy();
      // What was begun meanwhile, by cleanups for one, has had no cancel yet.
      this.cancel(running());
      if (stragglers.length > 0) {
        live.log.error(
          `Shutdown: still running although they were canceled, and left behind: ` +
            describe(stragglers),
        );
      }
    } finally {
      stopListening();
      live.phase = 'drained';
      this.releaseCalls();
    }
    await handOverAnswers();
  }

  private cancel(states: readonly OperationState[]): void {
    const record = new CancelRecord('shutdown', undefined, undefined, undefined);
    for (const state of states) cancelScope(state, record);
  }

  /** What still holds a connection lets go of it: a server does not close while somebody waits. */
  private releaseCalls(): void {
    const record = new CancelRecord('shutdown', undefined, undefined, undefined);
    for (const call of this.calls.list()) {
      const scope = call.materialize();
      if (scope !== undefined) cancelScope(scope, record);
      call.abandon();
    }
  }

  private tellBeginners(): void {
    const report = (error: unknown) =>
      this.calls.live.log.error(`A listener of the shutdown failed: ${describeError(error)}`);
    for (const listener of this.beginners) {
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

/** `GET /reports/:city (3), import`. */
function describe(states: readonly OperationState[]): string {
  const counts = new Map<string, number>();
  for (const { name } of states) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts].map(([name, count]) => (count === 1 ? name : `${name} (${count})`));
  const listed = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${listed} and ${names.length - MOST_NAMES} more` : listed;
}
