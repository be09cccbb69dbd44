import { currentOperation, currentToken, tryCurrentOperation } from 'nestjs-cancelable/worker';

/** What the tests call in threads. A thread says through progress that it has come so far. */

export function describeOperation() {
  const operation = currentOperation();
  const { id, name, kind, metadata, tags } = operation;
  return { id, name, kind, metadata, tags, deadline: operation.token.deadline?.getTime() };
}

export function add(a: number, b: number): number {
  return a + b;
}

/** Computes without ever giving way, until it is told. */
export function compute(): never {
  currentOperation().reportProgress('computing');
  const token = currentToken();
  for (;;) token.throwIfCanceled();
}

/** Never looks. */
export function ignoreCancel(): never {
  currentOperation().reportProgress('deaf');
  for (;;);
}

export function operationIsKnown(): boolean {
  return tryCurrentOperation() !== undefined;
}
