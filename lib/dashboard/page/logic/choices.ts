import type { OperationKind } from '../../../operation/operation-options.js';
import type { CancelationReason } from '../../../scope/cancelation-error.js';

// Of a record, the compiler says when one is missing; the library's own lists would bring its code.

const KIND: Readonly<Record<OperationKind, true>> = {
  http: true,
  rpc: true,
  ws: true,
  graphql: true,
  cron: true,
  job: true,
  cqrs: true,
  event: true,
  method: true,
  task: true,
};

const REASON: Readonly<Record<CancelationReason, true>> = {
  timeout: true,
  manual: true,
  signal: true,
  condition: true,
  parent: true,
  disconnect: true,
  shutdown: true,
  superseded: true,
};

export const KINDS: readonly string[] = Object.keys(KIND);
export const REASONS: readonly string[] = Object.keys(REASON);
export const STATUSES = {
  live: ['running', 'canceling'],
  history: ['completed', 'failed', 'canceled'],
} as const;
