import { StreamableFile } from '@nestjs/common';
import type { OperationState } from '../../operation/operation-state.js';
import { noop } from '../../scope/thenable.js';
import { destroyStream, streamOf } from '../../scope/close-value.js';
import { followStream } from '../../streams/follow-stream.js';
import { isDisconnected } from './disconnects.js';
import { type IterableOwner, operateIterableBody, readToEnd } from '../iterable-body.js';
import type { HttpExchange } from './http-answer.js';
import { OperationCanceledException } from './operation-canceled.exception.js';
import { sendError } from './own-response.js';

/** The request a body belongs to: it settles, and hears of the client, in one place. */
export interface BodyOwner extends HttpExchange, IterableOwner {
  disconnected(): void;
  readonly outlivesCaller: boolean;
}

/**
 * Ties a body that goes on after the chain to the request's operation, which lasts as long.
 *
 * @returns what the router sends
 */
export function operateBody(
  owner: BodyOwner,
  state: OperationState,
  value: object,
  shape: 'iterable' | 'stream',
): unknown {
  if (shape === 'iterable') {
    const iterator = operateIterableBody(owner, state, value as AsyncIterable<unknown>);
    if (owner.outlivesCaller) keepFromRouter(value);
    if (owner.goesOnAlone()) {
      void readToEnd(iterator);
      return undefined;
    }
    onResponseOver(owner, () => void iterator.return(undefined).catch(noop));
    return iterator;
  }
  const stream = streamOf(value) as object;
  onResponseOver(owner, () => {
    if (state.record === undefined) void owner.settle(true, undefined);
    destroyStream(stream, undefined);
  });
  if (value instanceof StreamableFile) answerCanceledFile(owner, value);
  followStream(
    state,
    stream,
    (succeeded, error) => {
      if (!succeeded && isDisconnected(owner.request, owner.response)) owner.disconnected();
      void owner.settle(succeeded, error);
    },
    (error) => owner.answerTo(error) as Error,
  );
  return value;
}

/**
 * Nest closes what the handler gave when the response is over, unless somebody else reads it, which
 * web streams tell with `locked`.
 */
function keepFromRouter(iterable: object): void {
  if (Object.isExtensible(iterable)) Object.defineProperty(iterable, 'locked', { value: true });
}

/** A file that is canceled before its first byte is answered like any other request. */
function answerCanceledFile(owner: BodyOwner, file: StreamableFile): void {
  const { errorHandler } = file;
  const { response } = owner;
  file.setErrorHandler((error, handled) => {
    const isOurs = error instanceof OperationCanceledException;
    if (!isOurs || response.headersSent) return errorHandler(error, handled);
    sendError(response, error);
  });
}

/** A body that is not read to its end, a HEAD request's for one, ends with the response. */
function onResponseOver(owner: BodyOwner, closeBody: () => void): void {
  owner.response.once('close', () => {
    if (!owner.goesOnAlone()) owner.disconnected();
    closeBody();
  });
}
