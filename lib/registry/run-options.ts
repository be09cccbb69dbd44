import { checkScope } from '../operation/cluster-scope.js';
import type { Operation } from '../operation/operation.js';
import type { OperationOptions } from '../operation/operation-options.js';
import { type CallOptions, type OperationPlan, SILENT_CALL } from '../operation/operation-plan.js';
import { ownValue } from '../scope/plain-object.js';
import { operationReaders } from '../operation/operation-readers.js';
import { planOf } from '../operation/operation-plan.js';
import { readOptions, refuse } from '../scope/validate.js';
import { readSources, type SourceLike } from '../sources/source.js';
import type { OperationStore } from './operation-store.js';

const RUN_READERS = { ...operationReaders, sources: readSources };

/**
 * What `run`, `spawn` and `start` take.
 *
 * @publicApi
 */
export interface RunOptions extends OperationOptions<Operation> {
  /** What else may cancel it. Default: nothing. */
  sources?: readonly SourceLike[];
}

/**
 * The function that an operation runs.
 *
 * @publicApi
 */
export type OperationBody<Result> = (operation: Operation) => Result | PromiseLike<Result>;

/** @throws TypeError when an option is not valid */
export function planOfRun(
  given: RunOptions | string,
  live: OperationStore,
  where: string,
): OperationPlan {
  const options = readOptions(
    typeof given === 'string' ? { name: given } : given,
    where,
    RUN_READERS,
  );
  checkJoin(options, where);
  checkScope(options.exclusive, live.clusterKeys, where);
  const { sources } = options;
  const plan = planOf(options, (name, kind) => live.countersOf(name, kind));
  return sources === undefined ? plan : { ...plan, sources };
}

/**
 * Refuses `join` without a key: a caller would get the answer to a question that nobody can see.
 */
function checkJoin({ exclusive }: RunOptions, where: string): void {
  if (exclusive?.onConflict !== 'join' || ownValue(exclusive, 'key') !== undefined) return;
  throw new TypeError(
    `${where}: exclusive: 'join' without a key gives the answer of one call to all others of the name. ` +
      "Give it a key, such as the user's id, or, if the answer is the same for everybody, a fixed one: " +
      "key: 'same for all'.",
  );
}

export function checkBody(fn: unknown, method: string): void {
  if (typeof fn !== 'function') refuse(`registry.${method}(): what to run`, fn, 'a function');
}

export function callOf(options: RunOptions | string): CallOptions | undefined {
  const id = typeof options === 'string' ? undefined : ownValue(options, 'id');
  return id === undefined ? undefined : { ...SILENT_CALL, id: id as string };
}
