import type { CallOptions, OperationPlan } from './operation-plan.js';
import type { OperationState } from './operation-state.js';
import { startSources } from './start-sources.js';
import { watchStall } from './stall.js';

/** Tokens, dates, custom sources and stalls are watched before the body runs; most have none. */
export function needsPreparation(plan: OperationPlan, call: CallOptions | undefined): boolean {
  return plan.stall !== undefined || plan.sources !== undefined || call?.sources !== undefined;
}

/**
 * Starts what may cancel an operation, before its body.
 *
 * @returns when everything has started, if that takes time
 * @throws what a source throws when it starts
 */
export function prepareOperation(
  state: OperationState,
  call: CallOptions | undefined,
): Promise<void> | undefined {
  const { plan } = state;
  if (plan.stall !== undefined) watchStall(state, plan.stall);
  const sources = call?.sources ?? plan.sources;
  return sources === undefined ? undefined : startSources(state, sources);
}
