import { once } from 'node:events';
import { threadId } from 'node:worker_threads';
import {
  cancelOperation,
  type CancelationError,
  currentOperation,
  currentToken,
  isCancelation,
  rootCause,
  tryCurrentOperation,
} from 'nestjs-cancelable/worker';
import { TimeoutCancelation } from '../../lib/scope/cancelation-reasons.js';
import { OperationConflict } from '../../lib/operation/operation-errors.js';
import { OperationRegistry } from '../../lib/registry/operation-registry.js';

/** What the tests call in threads. A thread says through progress that it has come so far. */

export function describeOperation() {
  const operation = currentOperation();
  const { id, name, kind, metadata, tags } = operation;
  return { id, name, kind, metadata, tags, deadline: operation.token.deadline?.getTime() };
}

export default function add(a: number, b: number): number {
  return a + b;
}

export function thread(): number {
  return threadId;
}

/** Computes without ever giving way, until it is told. */
export function compute(): never {
  currentOperation().reportProgress('computing');
  const token = currentToken();
  for (;;) token.throwIfCanceled();
}

/** The same, one operation deeper, and by looking instead of throwing. */
export async function computeBelow(): Promise<unknown> {
  return new OperationRegistry().run({ name: 'below', settle: 'wait' }, (operation) => {
    currentOperation().reportProgress('computing');
    const { token } = operation;
    while (!token.isCanceled);
    return [token.reason, rootCause(token.error)?.reason];
  });
}

/** Streams what is at hand: the event loop of the thread never has a turn. */
export async function streamNumbers(): Promise<void> {
  const operation = currentOperation();
  operation.reportProgress('streaming');
  const numbers = (function* () {
    for (let number = 0; ; number++) yield number;
  })();
  for await (const _ of operation.stream(numbers, { buffer: 0 }));
}

/** Hears nothing until it is let go, and then gives a value all the same. */
export function ignoreCancel(gate: SharedArrayBuffer): string {
  currentOperation().reportProgress('deaf');
  Atomics.wait(new Int32Array(gate), 0, 0);
  return 'late';
}

export function operationIsKnown(): boolean {
  return tryCurrentOperation() !== undefined;
}

/** Waits for the signal only, and describes what came. */
export async function waitForSignal(): Promise<never> {
  const { signal } = currentOperation();
  currentOperation().reportProgress('waiting');
  await once(signal, 'abort');
  const error = signal.reason as CancelationError;
  const { reason, message, requestedBy, canceledAt } = error;
  const cause = error.cause as Error & { code?: unknown };
  currentOperation().savePartial({
    brand: isCancelation(error),
    timeout: error instanceof TimeoutCancelation,
    name: error.name,
    reason,
    message,
    requestedBy,
    canceledAt: canceledAt.getTime(),
    cause: [cause instanceof TypeError, cause.message, cause.code, isCancelation(cause.cause)],
    root: rootCause(error)?.reason,
  });
  throw error;
}

export async function report(): Promise<string> {
  const operation = currentOperation();
  operation.reportProgress({ message: 'half', current: 1, total: 2, city: 'Paris' });
  await new OperationRegistry().run('part', (part) => part.reportProgress('a part'));
  operation.annotate({ rows: 2 });
  operation.savePartial([1]);
  operation.extend('2h');
  for await (const _ of operation.stream([1, 2, 3]));
  return 'done';
}

export async function cancelAnother(id: string): Promise<boolean[]> {
  const first = cancelOperation(id, { message: 'found', cause: new RangeError('better') });
  return [await first, await cancelOperation(id), await cancelOperation('nobody')];
}

/** Asks, and then never gives way. */
export function cancelAndCompute(id: string): never {
  void cancelOperation(id);
  for (;;) currentToken().throwIfCanceled();
}

export function cancelItself(): void {
  currentOperation().cancel({ reason: 'condition', message: 'enough rows' });
  currentToken().throwIfCanceled();
}

class DatabaseError extends TypeError {
  override readonly name = 'DatabaseError';
  readonly status = 418;
  readonly pool = () => 'not cloneable';
  get code() {
    return 'E42';
  }
}

export function fail(how: string): never {
  if (how === 'value') throw { plain: ['data'] };
  if (how === 'conflict') throw new OperationConflict('taken');
  if (how === 'many') throw new AggregateError([new RangeError('one'), 'two'], 'both');
  const root = new Error('root');
  if (how === 'circle') root.cause = root;
  throw new DatabaseError('no rows', { cause: new Error('link', { cause: root }) });
}

export function exitEarly(): void {
  process.exit(7);
}

export function notCloneable(): unknown {
  return () => {};
}

export function notCloneablePartial(): void {
  currentOperation().savePartial(() => {});
}

/** Leaves something behind that would keep a thread alive. */
export function leaveTimer(): string {
  setInterval(() => {}, 1_000);
  console.log('printed before the end');
  return 'left';
}

export async function shielded(): Promise<boolean> {
  currentOperation().reportProgress('shielded');
  await currentOperation().sleep(20);
  return currentToken().isCanceled;
}

/** Goes on past the deadline that it knows of; the main thread has moved it by then. */
export function outliveDeadline(): string {
  const operation = currentOperation();
  operation.extend('500ms');
  operation.reportProgress('extended');
  while (operation.token.remaining() > 0);
  operation.token.throwIfCanceled();
  return 'still here';
}

/** How long the operation has, as the thread sees it. */
export function remaining(): number {
  return currentOperation().token.remaining();
}

export function flags(): string[] {
  return process.execArgv;
}
