import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CancelationSource, OperationRegistry } from 'nestjs-cancelable';
import { type Deferred, deferred, turn } from '../support/deferred.js';

/** A source that starts and stops in its own time, and triggers when it is told to. */
class ManualSource implements CancelationSource {
  readonly started: Deferred<void> = deferred();
  readonly isAsync: boolean;
  trigger: () => void = () => {};
  starts = 0;
  stops = 0;

  constructor(
    readonly name: string,
    kind: 'sync' | 'async',
  ) {
    this.isAsync = kind === 'async';
  }

  start(trigger: () => void): (() => void) | Promise<() => void> {
    this.starts++;
    this.trigger = trigger;
    const stop = () => void this.stops++;
    return this.isAsync ? this.started.promise.then(() => stop) : stop;
  }
}

const kinds = fc.array(fc.constantFrom<'sync' | 'async'>('sync', 'async'), {
  minLength: 1,
  maxLength: 4,
});
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('start' as const, 'trigger' as const, 'finish' as const),
    index: fc.nat(3),
  }),
  { maxLength: 12 },
);

describe('sources that start in their own time', () => {
  it('let the body run once all have started and none has triggered, and are all stopped', async () => {
    await fc.assert(
      fc.asyncProperty(kinds, steps, async (given, script) => {
        const registry = new OperationRegistry();
        const sources = given.map((kind, index) => new ManualSource(`s${index}`, kind));
        const gate = deferred<string>();
        let bodies = 0;
        let outcome: string | undefined;
        registry
          .run({ name: 'work', sources }, (operation) => {
            bodies++;
            return operation.token.race(gate.promise);
          })
          .then(
            (value) => (outcome = value),
            (error: Error) => (outcome = error.message),
          );

        const pending = new Set(sources.filter(({ isAsync }) => isAsync));
        let winner: string | undefined;
        let isFinished = false;
        for (const { kind, index } of script) {
          const source = sources[index];
          if (kind === 'finish') {
            // A body that is not running yet finishes as soon as it does.
            gate.resolve('done');
            isFinished = true;
          } else if (source !== undefined && kind === 'start') {
            source.started.resolve();
            pending.delete(source);
          } else if (source !== undefined) {
            source.trigger();
            const isOpen = outcome === undefined;
            if (isOpen) winner ??= source.name;
          }
          await turn();
          const hasRun = pending.size === 0;
          if (winner !== undefined) expect(outcome).toBe(winner);
          else expect(outcome).toBe(isFinished && hasRun ? 'done' : undefined);
          expect(bodies).toBeLessThanOrEqual(hasRun ? 1 : 0);
        }
        for (const source of sources) source.started.resolve();
        gate.resolve('done');
        await registry.whenIdle();
        await turn();
        expect(outcome).toBe(winner ?? 'done');
        for (const source of sources) {
          expect([source.starts, source.stops]).toEqual([1, 1]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
