import { needsLease, takeLease } from './cluster-scope.js';
import type { CallOptions, OperationPlan } from './operation-plan.js';
import type { OperationState } from './operation-state.js';
import { startSources } from './start-sources.js';
import { watchStall } from './stall.js';

/**
 * Tokens, dates, custom sources and stalls are watched, and a lease is taken, before the body runs;
 * most have none.
 */
export function needsPreparation(plan: OperationPlan, call: CallOptions | undefined): boolean {
  return (
    plan.stall !== undefined ||
    plan.sources !== undefined ||
    call?.sources !== undefined ||
    needsLease(plan, call)
  );
}

/**
 * Starts what may cancel an operation, and takes its lease, before its body.
 *
 * @returns whether the body runs, once that is known, if it takes time; `undefined`: it runs
 * @throws what a source throws when it starts
 */
export function prepareOperation(
  state: OperationState,
  call: CallOptions | undefined,
): Promise<boolean> | undefined {
  const { plan } = state;
  if (plan.stall !== undefined) watchStall(state, plan.stall);
  const sources = call?.sources ?? plan.sources;
  const started = sources === undefined ? undefined : startSources(state, sources);
  if (started === undefined) return takeLease(state, call);
  return mayRun(started, takeLease(state, call));
}

async function mayRun(
  started: Promise<void>,
  taken: Promise<boolean> | undefined,
): Promise<boolean> {
  const [runs = true] = await Promise.all([taken, started]);
  return runs;
}
