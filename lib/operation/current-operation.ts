import { currentScope } from '../scope/context.js';
import { Operation } from './operation.js';
import { OperationState } from './operation-state.js';
import { ProtectedScope } from '../scope/protected-scope.js';
import { CancelationToken } from '../scope/token.js';

/**
 * The operation that the current code belongs to.
 *
 * @throws Error outside of one
 * @example
 * async render(rows: Row[], operation = currentOperation()) { … }
 * @publicApi
 */
export function currentOperation(): Operation {
  const operation = tryCurrentOperation();
  if (operation === undefined) {
    throw new Error(
      'There is no current operation here. Call this inside of a @Cancelable() method, a request of ' +
        'an application with CancelableModule, or registry.run(); or use tryCurrentOperation().',
    );
  }
  return operation;
}

/**
 * The operation that the code runs in; `undefined` outside of one.
 *
 * @publicApi
 */
export function tryCurrentOperation(): Operation | undefined {
  const state = currentScope()?.operation() as OperationState | undefined;
  return state === undefined ? undefined : Operation.of(state);
}

/**
 * The token of the current operation, or the one a shield or cleanup runs under;
 * `CancelationToken.none` outside of an operation.
 *
 * @publicApi
 */
export function currentToken(): CancelationToken {
  const scope = currentScope();
  if (scope === undefined) return CancelationToken.none;
  if (scope instanceof OperationState) return Operation.of(scope).token;
  return scope instanceof ProtectedScope ? scope.token : CancelationToken.of(scope);
}
