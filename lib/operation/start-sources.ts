import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import type { CancelationReason } from '../scope/cancelation-error.js';
import { facadeOf } from './operation-facade.js';
import type { OperationState } from './operation-state.js';
import { isThenable } from '../scope/thenable.js';
import { bare, memberOf } from '../scope/plain-object.js';
import { type CancelationToken, linkScope } from '../scope/token.js';

/**
 * What a source says when it triggers.
 *
 * @publicApi
 */
export interface SourceTrigger {
  /** Default: the source's name. */
  readonly message?: string;
  /** What led to it, for `error.cause`. */
  readonly cause?: unknown;
  /** Default: `'condition'`. */
  readonly reason?: CancelationReason;
}

/**
 * Stops a source; may be asynchronous.
 *
 * @publicApi
 */
export type SourceStop = () => unknown;

/** A custom source, as far as starting it goes. */
interface CustomSource {
  readonly name: string;
  readonly inject?: readonly unknown[];
  start(
    trigger: (trigger?: SourceTrigger) => void,
    operation: object,
    ...injected: unknown[]
  ): SourceStop | void | Promise<SourceStop | void>;
}

function isCustom(source: unknown): source is CustomSource {
  return typeof source === 'object' && source !== null && memberOf(source, 'start') !== undefined;
}

/**
 * Starts the sources of an operation, in order.
 *
 * @returns when all have started, if any needs time for it
 * @throws what a `start` throws
 */
export function startSources(
  state: OperationState,
  sources: readonly unknown[],
): Promise<void> | undefined {
  let pending: Promise<void> | undefined;
  for (const source of sources) {
    if (state.record !== undefined) break;
    const started = startSource(state, source);
    if (started !== undefined) {
      pending = pending === undefined ? started : Promise.all([pending, started]).then(noValue);
    }
  }
  return pending;
}

function startSource(state: OperationState, source: unknown): Promise<void> | undefined {
  if (!isCustom(source)) {
    const unlink = linkScope(state, source as CancelationToken);
    if (state.record === undefined) state.addLink(unlink);
    else unlink();
    return undefined;
  }
  const trigger = (found: SourceTrigger = bare({})): void => {
    // Triggers are handed to emitters as they are, which call with whatever they have.
    const { message, cause, reason = 'condition' } = bare(found);
    cancelScope(state, new CancelRecord(reason, message ?? source.name, { cause }));
  };
  const tokens = (memberOf(source, 'inject') as CustomSource['inject']) ?? [];
  const injected = state.host.inject(tokens, source.name);
  const started = source.start(trigger, facadeOf(state), ...injected);
  if (!isThenable(started)) {
    stopAtEnd(state, source, started);
    return undefined;
  }
  return Promise.resolve(started).then((stop) => stopAtEnd(state, source, stop));
}

/** Sources that have started and not stopped, by what stops them: for leak checks. */
const listening = new Map<() => void, StartedSource>();

/** A source that is listening, and for which operation. */
export interface StartedSource {
  readonly name: string;
  readonly state: OperationState;
}

/** @internal The sources that are listening now. */
export function startedSources(): StartedSource[] {
  return [...listening.values()];
}

/** A source whose operation ended while it started is stopped at once. */
function stopAtEnd(state: OperationState, source: CustomSource, stop: SourceStop | void): void {
  if (typeof stop !== 'function') return;
  const run = (): void => {
    listening.delete(run);
    try {
      const stopped = stop();
      if (isThenable(stopped)) stopped.then(undefined, (error: unknown) => report(error));
    } catch (error) {
      report(error);
    }
  };
  listening.set(run, { name: source.name, state });
  const report = (error: unknown) => state.logFailure(`Stopping the source ${source.name}`, error);
  if (state.outcome === undefined) state.addLink(run);
  else run();
}

function noValue(): void {}
