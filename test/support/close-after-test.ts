import { afterEach } from '@jest/globals';

let closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
});

/** Called after the test, the last one first. */
export function closeAfterTest(close: () => unknown): void {
  closing.push(close);
}
