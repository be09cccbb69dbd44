import type { DashboardOperation } from '../../../lib/dashboard/api-types.js';

/** When the operations of these tests begin. */
export const BEGIN = Date.parse('2026-01-02T03:04:05.000Z');

/** @param at milliseconds after the begin */
export const iso = (at: number) => new Date(BEGIN + at).toISOString();

/** An operation as the API has it. */
export function operationOf(
  id: string,
  facts: Partial<DashboardOperation> = {},
): DashboardOperation {
  return {
    id,
    name: id,
    kind: 'task',
    status: 'running',
    rootId: id,
    startedAt: iso(0),
    durationMs: 0,
    metadata: {},
    tags: [],
    zombie: false,
    returned: false,
    overran: false,
    cancelable: true,
    ...facts,
  };
}
