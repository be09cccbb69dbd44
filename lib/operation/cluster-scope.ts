import { ownValue } from '../scope/plain-object.js';
import type { ClusterKeysPort } from './operation-host.js';
import type { CallOptions, OperationPlan } from './operation-plan.js';
import type { OperationState } from './operation-state.js';

type KeyHolder = Pick<OperationState, 'host' | 'plan' | 'extras'>;

/** Whether a call waits for a lease before its body. */
export function needsLease(plan: OperationPlan, call: CallOptions | undefined): boolean {
  return (call?.exclusive ?? plan.exclusive)?.scope === 'cluster';
}

/**
 * Takes the key of an operation over all instances, if that is asked for.
 *
 * @returns whether its body may run, once that is known; `undefined`: nobody has to be asked
 * @throws TypeError where there is no bus
 */
export function takeLease(
  state: OperationState,
  call: CallOptions | undefined,
): Promise<boolean> | undefined {
  const exclusive = exclusiveOf(state, call);
  if (exclusive?.scope !== 'cluster') return undefined;
  checkScope(exclusive, state.host.clusterKeys, state.name);
  return state.host.clusterKeys?.take(state, exclusive);
}

/** A handler takes its key when it is called: its plan says nothing of it. */
function exclusiveOf({ plan, extras }: KeyHolder, call: CallOptions | undefined) {
  return call?.exclusive ?? extras?.exclusive ?? plan.exclusive;
}

/**
 * Refuses what nobody could keep.
 *
 * @throws TypeError for `scope: 'cluster'` without a bus that has leases
 */
export function checkScope(
  exclusive: object | undefined,
  keys: ClusterKeysPort<OperationState> | undefined,
  where: string,
): void {
  if (keys !== undefined || exclusive === undefined) return;
  if (ownValue(exclusive, 'scope') !== 'cluster') return;
  throw new TypeError(
    `${where}: exclusive: scope: 'cluster' needs a bus that has leases, and there is none here. Give ` +
      'one to CancelableModule.forRoot({ cluster: { bus, service } }), such as redisBus() of ' +
      "nestjs-cancelable/redis, or leave it at scope: 'instance'.",
  );
}
