import type { CancelationReason } from '../scope/cancelation-error.js';
import { type Duration, formatDuration, parseDuration } from '../scope/duration.js';
import { readAnything, readOptions, refuse } from '../scope/validate.js';
import type { OperationSnapshot } from '../operation/snapshot.js';
import type { OperationEvent, OperationEventType } from '../registry/operation-events.js';
import type { OperationRegistry } from '../registry/operation-registry.js';

/**
 * Remembers everything that happens in a registry, and asserts it. Assertions throw an Error that
 * lists what did happen.
 *
 * @example
 * const recorder = new OperationRecorder(app.get(OperationRegistry));
 * await request(app.getHttpServer()).get('/reports/Paris');
 * recorder.expectCanceled('reports.render', 'timeout');
 * recorder.stop();
 * @publicApi
 */
export class OperationRecorder {
  /** What happened, in order. */
  readonly events: OperationEvent[] = [];
  private readonly subscription: { unsubscribe(): void };

  constructor(registry: OperationRegistry) {
    this.subscription = registry.events$.subscribe((event) => this.events.push(event));
  }

  /** Stops listening; what was recorded stays. */
  stop(): void {
    this.subscription.unsubscribe();
  }

  /** Forgets what was recorded. */
  clear(): void {
    this.events.length = 0;
  }

  /** What happened to operations of a name: `['started', 'progress', 'canceled', 'settled']`. */
  of(name: string): OperationEventType[] {
    return this.eventsOf(name).map(({ type }) => type);
  }

  /** How each operation of a name ended, in the order of their ends. */
  outcomes(name: string): OperationSnapshot[] {
    return this.eventsOf(name)
      .filter(({ type }) => type === 'settled')
      .map(({ operation }) => operation);
  }

  /**
   * Expects that an operation of this name has begun.
   *
   * @throws Error unless an operation of this name has begun, `times` times if given
   */
  expectStarted(name: string, times?: number): this {
    const count = this.of(name).filter((type) => type === 'started').length;
    if (times === undefined ? count > 0 : count === times) return this;
    throw this.failure(`${name} to begin${times === undefined ? '' : ` ${times} times`}`);
  }

  /**
   * Expects that no operation of this name has begun.
   *
   * @throws Error if an operation of this name has begun
   */
  expectNotStarted(name: string): this {
    return this.expectStarted(name, 0);
  }

  /**
   * Expects that an operation of this name has completed.
   *
   * @throws Error unless an operation of this name has completed
   */
  expectCompleted(name: string): this {
    if (this.outcomes(name).some(({ status }) => status === 'completed')) return this;
    throw this.failure(`${name} to complete`);
  }

  /**
   * Expects that an operation of this name has failed.
   *
   * @throws Error unless an operation of this name has failed, with this message if given
   */
  expectFailed(name: string, message?: string | RegExp): this {
    const failed = this.outcomes(name).some(
      ({ status, error }) => status === 'failed' && matches(error?.message ?? '', message),
    );
    if (failed) return this;
    throw this.failure(`${name} to fail${message === undefined ? '' : ` with ${String(message)}`}`);
  }

  /**
   * Expects that an operation of this name was canceled.
   *
   * @throws Error unless an operation of this name was canceled, for this reason if given
   */
  expectCanceled(name: string, reason?: CancelationReason): this {
    const canceled = this.eventsOf(name).some(
      ({ type, operation }) =>
        type === 'canceled' && (reason === undefined || operation.reason === reason),
    );
    if (canceled) return this;
    throw this.failure(`${name} to be canceled${reason === undefined ? '' : ` (${reason})`}`);
  }

  /**
   * Expects that an operation of this name has reported progress.
   *
   * @throws Error unless an operation of this name has reported progress, with this message if
   * given
   */
  expectProgress(name: string, message?: string | RegExp): this {
    const reported = this.eventsOf(name).some(
      ({ type, operation }) =>
        type === 'progress' && matches(operation.progress?.message ?? '', message),
    );
    if (reported) return this;
    throw this.failure(`${name} to report progress`);
  }

  /**
   * Asserts how long the operations of a name took, from begin to end. Exact under fake timers.
   *
   * @param limits durations, both included; at least one of them
   * @throws Error unless at least one has ended, and all that have took that long
   * @throws TypeError for limits that are no durations
   * @example
   * recorder.expectDuration('reports.render', { atMost: '5s' });
   */
  expectDuration(
    name: string,
    limits: { readonly atLeast?: Duration; readonly atMost?: Duration },
  ): this {
    const where = 'recorder.expectDuration()';
    const { atLeast, atMost } = readOptions(limits, where, {
      atLeast: readAnything,
      atMost: readAnything,
    });
    if (atLeast === undefined && atMost === undefined) {
      refuse(where, limits, 'at least one of atLeast, atMost');
    }
    const least = atLeast === undefined ? 0 : parseDuration(atLeast, `${where}: atLeast`);
    const most = atMost === undefined ? Infinity : parseDuration(atMost, `${where}: atMost`);
    return this.expectTimes(
      name,
      this.outcomes(name).map(({ durationMs }) => durationMs),
      { least, most },
      'take',
    );
  }

  /**
   * Asserts how soon the work of canceled operations has really stopped, counted from the cancel.
   *
   * @param limits a duration, included
   * @throws Error unless at least one was canceled and has ended, and all of them ended in time
   * @throws TypeError for what is no duration
   * @example
   * recorder.expectStopped('reports.render', { within: '100ms' });
   */
  expectStopped(name: string, limits: { readonly within: Duration }): this {
    const where = 'recorder.expectStopped()';
    const { within } = readOptions(limits, where, { within: readAnything });
    const most = parseDuration(within, `${where}: within`, { zero: true });
    const latencies = this.outcomes(name).flatMap(({ canceledAt, endedAt }) =>
      canceledAt === undefined || endedAt === undefined
        ? []
        : [Date.parse(endedAt) - Date.parse(canceledAt)],
    );
    return this.expectTimes(name, latencies, { least: 0, most }, 'stop, after its cancel,');
  }

  private expectTimes(
    name: string,
    times: readonly number[],
    { least, most }: { readonly least: number; readonly most: number },
    verb: string,
  ): this {
    if (times.length > 0 && times.every((time) => time >= least && time <= most)) return this;
    const limits = [
      ...(least > 0 ? [`at least ${formatDuration(least)}`] : []),
      ...(most < Infinity ? [`at most ${formatDuration(most)}`] : []),
    ].join(' and ');
    const seen = times.length === 0 ? 'none ended' : times.map((time) => `${time} ms`).join(', ');
    throw this.failure(`${name} to ${verb} ${limits} (${seen})`);
  }

  private eventsOf(name: string): OperationEvent[] {
    return this.events.filter(({ operation }) => operation.name === name);
  }

  private failure(expected: string): Error {
    const lines = this.events.map(({ type, operation }) => {
      const reason = operation.reason === undefined ? '' : ` (${operation.reason})`;
      return `  ${operation.name}: ${type}${type === 'settled' ? ` ${operation.status}` : ''}${reason}`;
    });
    return new Error(
      `Expected ${expected}. What happened:\n${lines.length === 0 ? '  nothing' : lines.join('\n')}`,
    );
  }
}

function matches(text: string, pattern: string | RegExp | undefined): boolean {
  if (pattern === undefined) return true;
  return typeof pattern === 'string' ? text === pattern : pattern.test(text);
}
