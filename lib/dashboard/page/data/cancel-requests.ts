import type {
  BulkAnswer,
  BulkPreview,
  CancelAnswer,
  DashboardOperation,
  OperationQuery,
} from '../../api-types.js';
import { postJson } from './api.js';
import { Store } from './store.js';

/** What somebody wants to cancel, and has not confirmed yet. */
export type CancelRequest =
  | { readonly what: 'one'; readonly operation: DashboardOperation; readonly all: boolean }
  | { readonly what: 'many'; readonly query: OperationQuery; readonly all: boolean };

export const cancelRequest = new Store<CancelRequest | undefined>(undefined);

const said = (message: string, all: boolean) => ({
  ...(message.trim() === '' ? undefined : { message: message.trim() }),
  ...(all ? { instances: 'all' } : undefined),
});

export function cancelOne(id: string, message: string, all: boolean): Promise<CancelAnswer> {
  return postJson(`operations/${encodeURIComponent(id)}/cancel`, said(message, all));
}

export function previewMany(filter: OperationQuery, all: boolean): Promise<BulkPreview> {
  return postJson('cancelations', { filter, ...said('', all) });
}

/** @param confirmed how many were shown */
export function cancelMany(
  filter: OperationQuery,
  confirmed: number,
  message: string,
  all: boolean,
): Promise<BulkAnswer> {
  return postJson('cancelations', { filter, confirmed, ...said(message, all) });
}
