/**
 * An operation with this id is live, or the exclusive key is held. Over HTTP: 409.
 *
 * @publicApi
 */
export class OperationConflict extends Error {
  /** Always `'OperationConflict'`. */
  override readonly name = 'OperationConflict';
}

/**
 * `maxLive` operations are live already. Over HTTP: 503.
 *
 * @publicApi
 */
export class OperationLimit extends Error {
  /** Always `'OperationLimit'`. */
  override readonly name = 'OperationLimit';
}

/**
 * The application is draining and takes no new work. Over HTTP: 503.
 *
 * @publicApi
 */
export class OperationRefused extends Error {
  /** Always `'OperationRefused'`. */
  override readonly name = 'OperationRefused';
}

/**
 * It could not be found out whether another instance holds the key of an operation with
 * `exclusive: { scope: 'cluster' }`: the server of the bus did not answer. The operation has not
 * run; `cause` has what failed. Over HTTP: 503.
 *
 * @publicApi
 */
export class ClusterUnavailable extends Error {
  /** Always `'ClusterUnavailable'`. */
  override readonly name = 'ClusterUnavailable';
}

/**
 * Neither live nor remembered. Over HTTP: 404.
 *
 * @publicApi
 */
export class OperationNotFound extends Error {
  /** Always `'OperationNotFound'`. */
  override readonly name = 'OperationNotFound';
}

/**
 * Not all instances have answered, and without them it cannot be said: what is asked for may be at
 * one of them. Over HTTP: 503.
 *
 * @publicApi
 */
export class ClusterIncomplete extends Error {
  /** Always `'ClusterIncomplete'`. */
  override readonly name = 'ClusterIncomplete';
  /** The instances that did not answer, by name; empty when the bus is what failed. */
  readonly missing: readonly string[];

  constructor(message: string, missing: readonly string[]) {
    super(message);
    this.missing = missing;
  }
}

/**
 * Ends a watch whose client has seen the outcome already. Over HTTP: 204, which ends an
 * EventSource.
 */
export class OutcomeSeen extends Error {
  override readonly name = 'OutcomeSeen';
}

/**
 * Tells whether an operation was refused for want of room or while draining; what needs none goes
 * on without.
 */
export function isRefusal(error: unknown): boolean {
  return error instanceof OperationLimit || error instanceof OperationRefused;
}
