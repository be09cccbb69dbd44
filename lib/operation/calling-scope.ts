import { type ContextCell, currentCell } from '../scope/context.js';
import type { Scope } from '../scope/scope.js';
import type { OperationState } from './operation-state.js';

/** The scope that calls something outside, and what its application wants of such calls. */
export class CallingScope<Owner> {
  constructor(
    readonly scope: Scope,
    readonly operation: OperationState,
    readonly owner: Owner,
  ) {}
}

/**
 * Who calls, for a client that several applications share.
 *
 * @param owners what each application wants, by the host of its operations
 * @returns `undefined` outside of an operation, in one that has ended, and where its application
 * wants nothing
 */
export function callingScope<Owner>(
  owners: ReadonlyMap<object, Owner>,
  cell: ContextCell | undefined = currentCell(),
): CallingScope<Owner> | undefined {
  if (owners.size === 0) return undefined;
  const scope = cell?.resolve();
  const operation = scope?.operation() as OperationState | undefined;
  if (scope === undefined || operation === undefined) return undefined;
  const owner = owners.get(operation.host);
  return owner === undefined ? undefined : new CallingScope(scope, operation, owner);
}
