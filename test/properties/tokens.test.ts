import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CancelationToken, rootCause } from 'nestjs-cancelable';

interface DerivedSpec {
  /** Which of those before it, as shares. */
  readonly sources: readonly number[];
  readonly use: 'nothing' | 'listener' | 'signal';
}

const REASONS = ['manual', 'signal', 'condition', 'disconnect', 'superseded'] as const;

/** Evenly spread, which `fc.double()` is not. */
const share = fc.nat(999).map((thousandths) => thousandths / 1_000);
const forest = fc.record({
  leaves: fc.integer({ min: 1, max: 4 }),
  derived: fc.array(
    fc.record<DerivedSpec>({
      sources: fc.array(share, { minLength: 1, maxLength: 3 }),
      use: fc.constantFrom<DerivedSpec['use']>('nothing', 'nothing', 'listener', 'signal'),
    }),
    { maxLength: 8, size: 'max' },
  ),
  order: fc.array(share, { maxLength: 6, size: 'max' }),
});

describe('CancelationToken.any() of any tokens, of any depth', () => {
  it('has the reason of the first that was canceled, and a chain that leads to it', () => {
    fc.assert(
      fc.property(forest, ({ leaves, derived, order }) => {
        const tokens = Array.from({ length: leaves }, () => new CancelationToken());
        const roots = tokens.map((token) => new Set([token]));
        const calls: number[] = [];
        for (const { sources, use } of derived) {
          const chosen = sources.map((each) => Math.floor(each * tokens.length));
          const index = tokens.length;
          const token = CancelationToken.any(...chosen.map((each) => tokens[each] as never));
          const below = chosen.flatMap((each) => [...roots[each]!]);
          tokens.push(token);
          roots.push(new Set(below));
          calls[index] = 0;
          if (use === 'listener') token.onCancel(() => calls[index]!++);
          if (use === 'signal') token.signal.addEventListener('abort', () => calls[index]!++);
        }
        const canceled: CancelationToken[] = [];
        order.forEach((each, turn) => {
          const token = tokens[Math.floor(each * leaves)]!;
          const isFirst = !canceled.includes(token);
          const reason = REASONS[turn % REASONS.length]!;
          expect(token.cancel({ reason, message: `cancel ${turn}` })).toBe(isFirst);
          expect(token.isCanceled).toBe(true);
          if (isFirst) canceled.push(token);
        });
        // The last first: what nobody listens to is asked after what it is made of, and before.
        for (let index = tokens.length - 1; index >= leaves; index--) {
          const token = tokens[index]!;
          const first = canceled.find((each) => roots[index]?.has(each));
          expect(token.isCanceled).toBe(first !== undefined);
          expect(token.reason).toBe(first?.reason);
          expect(token.error?.message).toBe(first?.error?.message);
          expect(rootCause(token.error)).toBe(first?.error);
          const { use } = derived[index - leaves]!;
          expect(calls[index]).toBe(first === undefined || use === 'nothing' ? 0 : 1);
          if (first !== undefined) expect(token.cancel()).toBe(false);
        }
        tokens.slice(0, leaves).forEach((token) => token.cancel());
        for (const token of tokens) {
          expect(token.isCanceled).toBe(true);
          expect(CancelationToken.scopeOf(token).listenerCount).toBe(0);
        }
      }),
      { seed: 20_251, numRuns: 500 },
    );
  });

  it('ends at the nearest deadline of all', () => {
    const delays = fc.array(fc.integer({ min: 10_000, max: 1e9 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(delays, (milliseconds) => {
        const before = performance.now();
        const parts = milliseconds.map((each) => CancelationToken.timeout(each));
        const nested = CancelationToken.any(CancelationToken.any(...parts), new CancelationToken());
        const spent = performance.now() - before;
        const nearest = Math.min(...milliseconds);
        expect(nested.remaining()).toBeLessThanOrEqual(nearest);
        expect(nested.remaining()).toBeGreaterThan(nearest - spent - 5_000);
      }),
      { seed: 20_251, numRuns: 100 },
    );
  });
});
