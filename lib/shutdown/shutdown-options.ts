import { type Duration, parseDuration } from '../core/duration.js';
import { checkOptions, refuse } from '../core/read-options.js';
import { readDuration } from '../registry/registry-options.js';

/**
 * What happens to new requests while the application drains: answered with 503 on the open
 * listener, or refused by a closed one.
 *
 * @publicApi
 */
export type OnNewRequests = '503' | 'close-listener';

/**
 * @publicApi
 */
export interface ShutdownOptions {
  /** How long running operations may finish by themselves before they are canceled. Default: `'10s'`. */
  grace?: Duration;
  /**
   * How long what was canceled may clean up: shields, cleanups, `finally` blocks. Then stragglers
   * are named in the log, and the shutdown goes on. Default: `'5s'`.
   */
  cleanup?: Duration;
  /**
   * `'503'`: new requests are answered, with `Retry-After`, so that a load balancer tries elsewhere
   * and liveness probes are served. `'close-listener'`: new connections are refused. Default: `'503'`.
   */
  onNewRequests?: OnNewRequests;
}

/** The options, in milliseconds. */
export interface ShutdownSettings {
  readonly grace: number;
  readonly cleanup: number;
  readonly onNewRequests: OnNewRequests;
}

/** @throws TypeError that says what was given and what is allowed */
export function checkShutdownOptions(options: unknown, where: string): void {
  checkOptions(options, where, {
    grace: readDuration,
    cleanup: readDuration,
    onNewRequests: (value, at) => {
      if (value !== '503' && value !== 'close-listener')
        refuse(at, value, "'503', 'close-listener'");
    },
  });
}

export function readShutdownOptions(options: ShutdownOptions = {}): ShutdownSettings {
  return {
    grace: parseDuration(options.grace ?? '10s', 'shutdown.grace'),
    cleanup: parseDuration(options.cleanup ?? '5s', 'shutdown.cleanup'),
    onNewRequests: options.onNewRequests ?? '503',
  };
}
