import type { Observable } from 'rxjs';
import { settleQuietly } from '../core/lifecycle.js';
import type { OperationState } from '../core/operation-state.js';
import { parkOperation, resumeOperation } from '../core/park.js';
import { destroyStream, followStream } from '../streams/flowing-results.js';
import {
  operateIterator,
  operateObservable,
  shapeOf,
  streamOf,
  supplyOf,
} from '../streams/lazy-results.js';

/**
 * A result that goes on after it was given: the operation lasts until it ends.
 *
 * @returns what the caller gets; `undefined` if the value is the end
 */
export function adoptResult(
  state: OperationState,
  value: unknown,
): { readonly value: unknown } | undefined {
  const shape = shapeOf(value);
  if (shape === 'value') return undefined;
  if (shape === 'stream') {
    const stream = streamOf(value as object) as object;
    if (state.record !== undefined) {
      destroyStream(stream, state.error());
      return undefined;
    }
    followStream(state, stream, (succeeded, error) => void settleQuietly(state, succeeded, error));
    return { value };
  }
  if (state.record !== undefined) return undefined;
  parkOperation(state);
  const supply = supplyOf(() => resumeOperation(state));
  return {
    value:
      shape === 'observable'
        ? operateObservable(supply, () => value as Observable<unknown>)
        : operateIterator(supply, () => value as AsyncIterable<unknown>),
  };
}
