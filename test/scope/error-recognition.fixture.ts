import assert from 'node:assert';
import { once } from 'node:events';
import { inspect, types } from 'node:util';
import { isMainThread, Worker } from 'node:worker_threads';
import { type CancelationError, CancelationToken } from 'nestjs-cancelable';

function canceledWith(message: string): CancelationError {
  const token = new CancelationToken();
  token.cancel({ message, cause: new Error('lost') });
  return token.error as CancelationError;
}

if (isMainThread) {
  const error = canceledWith('first');
  const [uncaught] = (await once(new Worker(new URL(import.meta.url)), 'error')) as [Error];
  assert.deepStrictEqual(error, error);
  console.log(
    JSON.stringify({
      tag: Object.prototype.toString.call(error),
      native: types.isNativeError(error),
      shown: inspect(error),
      differ: !isEqual(error, canceledWith('second')),
      equal: isEqual(error, canceledWith('first')),
      uncaught: {
        isError: uncaught instanceof Error,
        name: uncaught.name,
        message: uncaught.message,
        stack: uncaught.stack,
      },
    }),
  );
} else {
  throw canceledWith('in the worker');
}

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assert.deepStrictEqual(one, other);
    return true;
  } catch {
    return false;
  }
}
