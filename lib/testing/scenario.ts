import type { CancelationReason } from '../scope/cancelation-error.js';
import { readCancelOptions } from '../scope/cancel-options.js';
import type { CancelOptions } from '../scope/cancel-record.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import type { Operation } from '../operation/operation.js';
import type { OperationStatus } from '../operation/operation-options.js';
import { readOptions, refuse } from '../scope/validate.js';
import type { OperationRegistry } from '../registry/operation-registry.js';
import type { RunOptions } from '../registry/run-options.js';

/**
 * Options of a `Scenario`.
 *
 * @publicApi
 */
export interface ScenarioOptions {
  /**
   * Lets time pass. Under fake timers: `(ms) => jest.advanceTimersByTimeAsync(ms)`. Default: waits.
   */
  readonly advance?: (milliseconds: number) => unknown;
}

/**
 * A story of operations, step by step: begin, wait, cancel, expect. Nothing runs before `play()`.
 *
 * @example
 * await new Scenario(registry, { advance: (ms) => jest.advanceTimersByTimeAsync(ms) })
 *   .begin({ name: 'import', timeout: '1m' }, (operation) => imports.run(operation))
 *   .wait('30s')
 *   .expect('import', 'running')
 *   .wait('30s')
 *   .expect('import', 'canceled', 'timeout')
 *   .play();
 * @publicApi
 */
export class Scenario {
  private readonly steps: (() => unknown)[] = [];
  private readonly operations = new Map<string, Operation>();
  private readonly advance: ScenarioOptions['advance'];

  constructor(
    private readonly registry: OperationRegistry,
    options: ScenarioOptions = {},
  ) {
    this.advance = readOptions(options, 'new Scenario()', {
      advance: (value, where) => {
        if (typeof value !== 'function') refuse(where, value, 'a function of milliseconds');
      },
    }).advance;
  }

  /** Begins an operation; later steps call it by its name. */
  begin(options: RunOptions & { name: string }, body: (operation: Operation) => unknown): this {
    return this.step(() => {
      this.operations.set(options.name, this.registry.spawn(options, body));
    });
  }

  /**
   * Lets time pass.
   *
   * @throws TypeError when it is no duration
   */
  wait(duration: Duration): this {
    const milliseconds = parseDuration(duration, 'scenario.wait()');
    return this.step(() => {
      const { advance } = this;
      if (advance !== undefined) return advance(milliseconds);
      return new Promise((resolve) => setTimeout(resolve, milliseconds));
    });
  }

  /** A step: cancels an operation that has begun. */
  cancel(name: string, options?: CancelOptions): this {
    if (options !== undefined) readCancelOptions(options, 'scenario.cancel()');
    return this.step(() => this.find(name).cancel(options));
  }

  /** Does anything else between the steps. */
  act(action: () => unknown): this {
    return this.step(action);
  }

  /** Fails the story unless an operation is in this state, for this reason if given. */
  expect(name: string, status: OperationStatus, reason?: CancelationReason): this {
    return this.step(() => {
      const found = this.find(name).snapshot();
      const asExpected =
        found.status === status && (reason === undefined || found.reason === reason);
      if (asExpected) return;
      const wanted = describe(status, reason);
      throw new Error(
        `Expected ${name} to be ${wanted}, but it is ${describe(found.status, found.reason)}`,
      );
    });
  }

  /**
   * Plays the steps in order; between them, everything runs that is ready to.
   *
   * @throws Error at the first expectation that is not met
   * @returns the outcome of each operation by name, once all have ended
   */
  async play(): Promise<ReadonlyMap<string, PromiseSettledResult<unknown>>> {
    for (const step of this.steps) {
      await step();
      await flushMicrotasks();
    }
    const outcomes = new Map<string, PromiseSettledResult<unknown>>();
    for (const [name, operation] of this.operations) {
      if (operation.endedAt === undefined) continue;
      const [outcome] = await Promise.allSettled([operation.result]);
      outcomes.set(name, outcome);
    }
    return outcomes;
  }

  private step(step: () => unknown): this {
    this.steps.push(step);
    return this;
  }

  private find(name: string): Operation {
    const operation = this.operations.get(name);
    if (operation !== undefined) return operation;
    const known = [...this.operations.keys()].join(', ') || 'none has begun';
    throw new Error(`The scenario has no operation '${name}'. It has: ${known}`);
  }
}

/** Microtasks only: fake timers may hold everything else. */
async function flushMicrotasks(): Promise<void> {
  for (let index = 0; index < 20; index++) await Promise.resolve();
}

function describe(status: OperationStatus, reason: CancelationReason | undefined): string {
  return reason === undefined ? status : `${status} (${reason})`;
}
