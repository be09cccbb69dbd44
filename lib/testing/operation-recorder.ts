import type { CancelationReason } from '../core/cancelation-error.js';
import type { OperationSnapshot } from '../core/snapshot.js';
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
  readonly events: OperationEvent[] = [];
  private readonly subscription: { unsubscribe(): void };

  constructor(registry: OperationRegistry) {
    this.subscription = registry.events$.subscribe((event) => this.events.push(event));
  }

  /** Stops listening; what was recorded stays. */
  stop(): void {
    this.subscription.unsubscribe();
  }

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

  /** @throws Error unless an operation of this name has begun, `times` times if given */
  expectStarted(name: string, times?: number): this {
    const count = this.of(name).filter((type) => type === 'started').length;
    if (times === undefined ? count > 0 : count === times) return this;
    throw this.failure(`${name} to begin${times === undefined ? '' : ` ${times} times`}`);
  }

  /** @throws Error if an operation of this name has begun */
  expectNotStarted(name: string): this {
    return this.expectStarted(name, 0);
  }

  /** @throws Error unless an operation of this name has completed */
  expectCompleted(name: string): this {
    if (this.outcomes(name).some(({ status }) => status === 'completed')) return this;
    throw this.failure(`${name} to complete`);
  }

  /** @throws Error unless an operation of this name has failed, with this message if given */
  expectFailed(name: string, message?: string | RegExp): this {
    const failed = this.outcomes(name).some(
      ({ status, error }) => status === 'failed' && matches(error?.message ?? '', message),
    );
    if (failed) return this;
    throw this.failure(`${name} to fail${message === undefined ? '' : ` with ${String(message)}`}`);
  }

  /** @throws Error unless an operation of this name was canceled, for this reason if given */
  expectCanceled(name: string, reason?: CancelationReason): this {
    const canceled = this.eventsOf(name).some(
      ({ type, operation }) =>
        type === 'canceled' && (reason === undefined || operation.reason === reason),
    );
    if (canceled) return this;
    throw this.failure(`${name} to be canceled${reason === undefined ? '' : ` (${reason})`}`);
  }

  /** @throws Error unless an operation of this name has reported progress, with this message if given */
  expectProgress(name: string, message?: string | RegExp): this {
    const reported = this.eventsOf(name).some(
      ({ type, operation }) =>
        type === 'progress' && matches(operation.progress?.message ?? '', message),
    );
    if (reported) return this;
    throw this.failure(`${name} to report progress`);
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
