import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type OperationHandle, OperationRegistry } from 'nestjs-cancelable';

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('begin' as const), count: fc.nat(60) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('end' as const),
        from: fc.nat(200),
        count: fc.nat(90),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('list' as const) }) },
  ),
  { minLength: 5, maxLength: 40 },
);

describe('the list of live operations', () => {
  it('has those that are live in the order in which they began, however many came and went', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const registry = new OperationRegistry({ history: { limit: 0 } });
        let live: OperationHandle[] = [];
        for (const step of script) {
          if (step.kind === 'begin') {
            for (let index = 0; index < step.count; index++) live.push(registry.start('work'));
          } else if (step.kind === 'end') {
            const ending = live.slice(step.from, step.from + step.count);
            live = live.filter((handle) => !ending.includes(handle));
            await Promise.all(ending.map((handle) => handle.complete()));
          } else {
            const expected = live.map(({ operation }) => operation);
            expect(same(registry.list(), expected)).toBe(true);
            expect(same(registry.list({ kind: 'task' }), expected)).toBe(true);
          }
        }
        const expected = live.map(({ operation }) => operation);
        expect(same(registry.list(), expected)).toBe(true);
        expect(same(registry.list({ limit: 7 }), expected.slice(-7))).toBe(true);
        expect(registry.statistics().live).toBe(expected.length);
      }),
      { numRuns: 60 },
    );
  });
});

function same(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((one, index) => one === right[index]);
}
