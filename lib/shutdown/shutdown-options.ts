import { type Duration, parseDuration } from '../scope/duration.js';
import { bare } from '../scope/plain-object.js';
import { checkOptions, readSpan, refuse } from '../scope/validate.js';

/**
 * What happens to new requests while the application drains: answered with 503 on the open
 * listener, or refused by a closed one.
 *
 * @publicApi
 */
export type OnNewRequests = '503' | 'close-listener';

/**
 * What a shutdown gives to what runs.
 *
 * @publicApi
 */
export interface ShutdownOptions {
  /**
   * How long calls are served as ever while health checks say already that the application is not
   * ready (`registry.draining`, `nestjs-cancelable/terminus`): load balancers need some time to
   * notice. Longer than they take to ask twice. Only where an application serves: with an HTTP
   * server that listens, or a microservice. Default: 0.
   *
   * @example '5s'
   */
  delay?: Duration;
  /**
   * How long running operations may finish by themselves before they are canceled. 0: not at all.
   * Default: `'10s'`.
   */
  grace?: Duration;
  /**
   * How long what was canceled may clean up: shields, cleanups, `finally` blocks. Then stragglers
   * are named in the log, and the shutdown goes on. 0: no time. Default: `'5s'`.
   */
  cleanup?: Duration;
  /**
   * `'503'`: new requests are answered, with `Retry-After`, so that a load balancer tries elsewhere
   * and liveness probes are served. `'close-listener'`: new connections are refused. Default:
   * `'503'`.
   */
  onNewRequests?: OnNewRequests;
}

/** The options, in milliseconds. */
export interface ShutdownSettings {
  readonly delay: number;
  readonly grace: number;
  readonly cleanup: number;
  readonly onNewRequests: OnNewRequests;
}

/** @throws TypeError that says what was given and what is allowed */
export function checkShutdownOptions(options: unknown, where: string): void {
  checkOptions(options, where, {
    delay: readSpan,
    grace: readSpan,
    cleanup: readSpan,
    onNewRequests: (value, at) => {
      if (value !== '503' && value !== 'close-listener')
        refuse(at, value, "'503', 'close-listener'");
    },
  });
}

export function readShutdownOptions(options: ShutdownOptions = bare({})): ShutdownSettings {
  return {
    delay: parseDuration(options.delay ?? 0, 'shutdown.delay', { zero: true }),
    grace: parseDuration(options.grace ?? '10s', 'shutdown.grace', { zero: true }),
    cleanup: parseDuration(options.cleanup ?? '5s', 'shutdown.cleanup', { zero: true }),
    onNewRequests: options.onNewRequests ?? '503',
  };
}
