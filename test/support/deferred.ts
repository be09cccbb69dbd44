/** A promise that a test settles by hand: the way to wait without sleeping. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

export function deferred<Value = void>(): Deferred<Value> {
  let resolve!: (value: Value) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<Value>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/** Lets everything run that is ready to: microtasks, and one turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets microtasks run, also under fake timers. */
export async function microtasks(): Promise<void> {
  for (let count = 0; count < 50; count++) await Promise.resolve();
}

/** What a promise rejected with; a promise that resolves fails the test. */
export async function rejection(promise: PromiseLike<unknown>): Promise<any> {
  const NONE = Symbol('none');
  const error: unknown = await promise.then(
    () => NONE,
    (reason: unknown) => reason,
  );
  if (error === NONE) throw new Error('The promise resolved, although it should have rejected');
  return error;
}

/** What a function threw; one that returns fails the test. */
export function thrown(call: () => unknown): any {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('The call returned, although it should have thrown');
}

/** Whether a promise has settled after all that is ready has run. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const settled = () => {
    pending = false;
  };
  promise.then(settled, settled);
  await microtasks();
  return pending;
}
