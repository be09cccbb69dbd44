import type { Observable } from 'rxjs';
import type { Held } from '../operation/held.js';
import { settleQuietly } from '../operation/settle-operation.js';
import { startOperation } from '../operation/start-operation.js';
import type { ContextCell } from '../scope/context.js';
import { type CallOptions, SILENT_CALL } from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { suspendOperation, resumeFirst } from '../operation/suspend.js';
import { destroyStream, streamOf } from '../scope/close-value.js';
import { closeLateValue } from '../operation/late-value.js';
import { followStream } from '../streams/follow-stream.js';
import { takeLease } from '../operation/cluster-scope.js';
import { operateIterator, operateObservable, shapeOf, providerOf } from './lazy-results.js';
import { iterableAfter, observableAfter } from './prepared-results.js';

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
  const beginAnother = siblingsOf(state);
  suspendOperation(state);
  const provider = {
    ...providerOf(resumeFirst(state, beginAnother)),
    skip: () => closeLateValue(state, value),
  };
  return {
    value:
      shape === 'observable'
        ? operateObservable(provider, (own) =>
            observableAfter(takeLease(own, undefined), () => value as Observable<unknown>),
          )
        : operateIterator(provider, (own) =>
            iterableAfter(takeLease(own, undefined), () => value as AsyncIterable<unknown>),
          ),
  };
}

/** Begins operations beside one that was begun: of the same parent, with what its call said. */
function siblingsOf(state: OperationState): () => OperationState | Held<OperationState> {
  const { host, plan, metadata, tags } = state;
  // An async context of the parent's: once that has ended, it is nobody's.
  const context = state.parent?.callbackCell() as ContextCell | undefined;
  const call: CallOptions = {
    ...SILENT_CALL,
    metadata,
    tags,
    timeout: state.ownLimit === undefined ? undefined : state.ownLimit - state.startedAt,
    exclusive: state.extras?.exclusive,
  };
  return () => startOperation(host, plan, context, call);
}
