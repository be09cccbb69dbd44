import { finished, type Readable } from 'node:stream';
import { destroyStream } from '../scope/close-value.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import type { Scope } from '../scope/scope.js';

/**
 * Ties a stream that is handed on as it is to its scope: its close is the end, a cancel
 * destroys it.
 *
 * @param end called once, with whether the stream ended well
 * @param translate what the stream is destroyed with. Default: the scope's error
 */
export function followStream(
  scope: Scope,
  stream: object,
  end: (succeeded: boolean, error: unknown) => void,
  translate: (error: CancelationError) => Error = (error) => error,
): void {
  const observer = scope.observe((error) => destroyStream(stream, translate(error)));
  finished(stream as Readable, { writable: false }, (error) => {
    observer.remove();
    end(error === undefined || error === null, error);
  });
}
