import { type CancelationError, isCancelation } from '../../scope/cancelation-error.js';
import { currentScope } from '../../scope/context.js';
import type { OperationState } from '../../operation/operation-state.js';
import type { EarlyResponder } from '../early-responder.js';
import { ownError } from '../foreign-cancelation.js';
import { toGraphqlError } from './graphql-errors.js';

/** Translates an error for GraphQL, in the context that a field is resolved in, guards included. */
export function answerInContext(error: unknown): unknown {
  const state = isCancelation(error)
    ? (currentScope()?.operation() as OperationState | undefined)
    : undefined;
  const own =
    state === undefined ? error : ownError(error as CancelationError, state.rootId, state.host);
  return toGraphqlError(own);
}

/** Nest would log what it throws by itself. */
export const earlyGraphqlErrors: EarlyResponder = {
  translate: answerInContext,
  answer: (error) => {
    throw error;
  },
};
