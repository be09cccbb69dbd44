import type { CallOptions } from './operation-plan.js';
import type { OperationState } from './operation-state.js';
import { startSources } from './start-sources.js';
import { watchStall } from './stall.js';

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
