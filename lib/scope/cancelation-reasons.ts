import {
  CancelationError,
  type CancelationErrorOptions,
  type CancelationReason,
} from './cancelation-error.js';

/**
 * The deadline passed.
 *
 * @publicApi
 */
export class TimeoutCancelation extends CancelationError {
  /** Always `'timeout'`. */
  get reason(): 'timeout' {
    return 'timeout';
  }
}
Object.defineProperty(TimeoutCancelation.prototype, 'name', {
  value: 'TimeoutError',
  writable: true,
  configurable: true,
});

/**
 * Somebody asked for it: `operation.cancel()`, `registry.cancel(id)`, `token.cancel()`.
 *
 * @publicApi
 */
export class ManualCancelation extends CancelationError {
  /** Always `'manual'`. */
  get reason(): 'manual' {
    return 'manual';
  }
}

/**
 * A process signal or a foreign AbortSignal.
 *
 * @publicApi
 */
export class SignalCancelation extends CancelationError {
  /** Always `'signal'`. */
  get reason(): 'signal' {
    return 'signal';
  }
}

/**
 * A condition was met.
 *
 * @publicApi
 */
export class ConditionCancelation extends CancelationError {
  /** Always `'condition'`. */
  get reason(): 'condition' {
    return 'condition';
  }
}

/**
 * The operation this one belongs to was canceled or has settled.
 *
 * @publicApi
 */
export class ParentCancelation extends CancelationError {
  /** Always `'parent'`. */
  get reason(): 'parent' {
    return 'parent';
  }
}

/**
 * The client left.
 *
 * @publicApi
 */
export class DisconnectCancelation extends CancelationError {
  /** Always `'disconnect'`. */
  get reason(): 'disconnect' {
    return 'disconnect';
  }
}

/**
 * The application is shutting down and the grace period has passed.
 *
 * @publicApi
 */
export class ShutdownCancelation extends CancelationError {
  /** Always `'shutdown'`. */
  get reason(): 'shutdown' {
    return 'shutdown';
  }
}

/**
 * A newer call of the same exclusive key took over.
 *
 * @publicApi
 */
export class SupersededCancelation extends CancelationError {
  /** Always `'superseded'`. */
  get reason(): 'superseded' {
    return 'superseded';
  }
}

const CLASSES: {
  readonly [Reason in CancelationReason]: new (
    message: string,
    options?: CancelationErrorOptions,
  ) => CancelationError;
} = {
  timeout: TimeoutCancelation,
  manual: ManualCancelation,
  signal: SignalCancelation,
  condition: ConditionCancelation,
  parent: ParentCancelation,
  disconnect: DisconnectCancelation,
  shutdown: ShutdownCancelation,
  superseded: SupersededCancelation,
};

/** Every reason there is, for validation. */
export const CANCELATION_REASONS = Object.keys(CLASSES) as readonly CancelationReason[];

/** Creates the error of a reason. */
export function createCancelationError(
  reason: CancelationReason,
  message: string,
  options: CancelationErrorOptions,
): CancelationError {
  return new CLASSES[reason](message, options);
}
