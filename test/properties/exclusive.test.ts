import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type OnConflict, OperationConflict, OperationRegistry } from 'nestjs-cancelable';
import { deferred, type Deferred, turn } from '../support/deferred.js';

type Step =
  | { readonly kind: 'call'; readonly key: string; readonly onConflict: OnConflict; deaf: boolean }
  | { readonly kind: 'finish' | 'cancel'; readonly index: number };

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('call' as const),
      key: fc.constantFrom('a', 'b'),
      onConflict: fc.constantFrom<OnConflict>('cancel-previous', 'reject', 'skip', 'join'),
      deaf: fc.boolean(),
    }),
    fc.record({ kind: fc.constantFrom('finish' as const, 'cancel' as const), index: fc.nat(20) }),
  ),
  { minLength: 1, maxLength: 25 },
);

/** A call as the rule sees it. */
interface Call {
  readonly key: string;
  readonly gate: Deferred<string>;
  readonly deaf: boolean;
  /** `undefined`: it never began; what its caller gets comes from elsewhere. */
  began: boolean;
  isOver: boolean;
  isCanceled: boolean;
  expected: string | Call;
  outcome: string | undefined;
}

describe('exclusive keys', () => {
  it('are held by one call at a time, and every caller gets what the rule says', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const registry = new OperationRegistry();
        const calls: Call[] = [];
        const holders = new Map<string, Call>();

        const begin = (step: Step & { kind: 'call' }): void => {
          const { key, onConflict, deaf } = step;
          const call: Call = {
            key,
            gate: deferred<string>(),
            deaf,
            began: false,
            isOver: false,
            isCanceled: false,
            expected: 'pending',
            outcome: undefined,
          };
          const holder = holders.get(key);
          if (holder === undefined || onConflict === 'cancel-previous') {
            if (holder !== undefined) cancel(holder);
            call.began = true;
            holders.set(key, call);
          } else {
            call.expected = { reject: 'conflict', skip: 'skipped', join: holder }[onConflict];
          }
          const index = calls.push(call) - 1;
          registry
            .run({ name: 'work', exclusive: { key, onConflict } }, (operation) => {
              const body = call.gate.promise.then(() => `value ${index}`);
              return deaf ? body : operation.token.race(body);
            })
            .then(
              (value) => (call.outcome = value ?? 'skipped'),
              (error: { reason?: string }) =>
                (call.outcome =
                  error instanceof OperationConflict ? 'conflict' : `canceled: ${error.reason}`),
            );
        };

        /** The caller is let go at once; the key only when the body has ended. */
        function cancel(call: Call, reason = 'superseded'): void {
          if (!call.began || call.isOver || call.isCanceled) return;
          call.isCanceled = true;
          call.expected = `canceled: ${reason}`;
          if (!call.deaf) end(call);
        }

        function end(call: Call): void {
          call.isOver = true;
          if (holders.get(call.key) === call) holders.delete(call.key);
        }

        for (const step of script) {
          if (step.kind === 'call') {
            begin(step);
          } else {
            const call = calls[step.index];
            if (call === undefined || !call.began || call.isOver) continue;
            if (step.kind === 'finish') {
              if (!call.isCanceled) call.expected = `value ${step.index}`;
              end(call);
              call.gate.resolve('done');
            } else {
              const live = registry.list({ name: 'work', status: 'running' });
              const own = calls.filter((each) => each.began && !each.isOver && !each.isCanceled);
              live[own.indexOf(call)]?.cancel();
              cancel(call, 'manual');
            }
          }
          await turn();
          const running = calls.filter((call) => call.began && !call.isOver && !call.isCanceled);
          expect(registry.list({ status: 'running' })).toHaveLength(running.length);
          for (const call of calls) {
            const expected =
              typeof call.expected === 'string' ? call.expected : call.expected.expected;
            const pending = expected === 'pending';
            expect(call.outcome).toBe(pending ? undefined : expected);
          }
        }
        for (const call of calls) call.gate.resolve('end');
        await registry.whenIdle();
        expect(registry.list()).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
