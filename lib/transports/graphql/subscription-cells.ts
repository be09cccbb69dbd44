import type { IncomingCell } from '../incoming-cell.js';
import type { ResolverInfo } from './resolver-args.js';

/** `undefined`: there are several, and nobody knows for which of them an item is. */
type CellsOfOperations = WeakMap<object, IncomingCell | undefined>;

/**
 * By GraphQL's context value, then by the operation as it was asked for: what an item's execution
 * has in common with the call that subscribed.
 */
const cells = new WeakMap<object, CellsOfOperations>();

/** The fields of what a subscription gives are resolved in its context. */
export function rememberSubscription(
  context: unknown,
  { operation }: ResolverInfo,
  cell: IncomingCell,
): void {
  if (typeof context !== 'object' || context === null || operation === undefined) return;
  let ofContext = cells.get(context);
  if (ofContext === undefined) cells.set(context, (ofContext = new WeakMap()));
  const other = ofContext.get(operation);
  const isShared = ofContext.has(operation) && (other === undefined || other.scope !== undefined);
  ofContext.set(operation, isShared ? undefined : cell);
}

export function subscriptionCell(
  context: unknown,
  info: ResolverInfo | undefined,
): IncomingCell | undefined {
  const operation = info?.operation;
  if (operation?.operation !== 'subscription') return undefined;
  return cells.get(context as object)?.get(operation);
}
