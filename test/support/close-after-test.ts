import { afterEach } from '@jest/globals';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  const failures: unknown[] = [];
  for (const close of closing.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 1) throw new AggregateError(failures, failures.join('; '));
  if (failures.length === 1) throw failures[0];
});

/** Called after the test, the last one first; all of them, also when one fails. */
export function closeAfterTest(close: () => unknown): void {
  closing.push(close);
}
