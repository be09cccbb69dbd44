import { Inject, Injectable } from '@nestjs/common';
import { countOf, readOptions, refuse } from '../scope/validate.js';
import { OperationRegistry } from '../registry/operation-registry.js';

/**
 * Beyond these, the application takes no more work.
 *
 * @publicApi
 */
export interface HealthLimits {
  /** Operations that still run long after they were canceled. Default: any number. */
  readonly zombies?: number;
  /**
   * Live operations, as a part of `maxLive`, from 0 to 1. Default: 1, where new ones are refused.
   */
  readonly live?: number;
}

/**
 * What a health check says of the operations.
 *
 * @publicApi
 */
export interface OperationsHealth {
  /** Whether it is healthy. */
  readonly status: 'up' | 'down';
  /** The application shuts down. */
  readonly draining: boolean;
  /** How many operations are live. */
  readonly live: number;
  /** How many may be. */
  readonly maxLive: number;
  /** How many ignore their cancel. */
  readonly zombies: number;
}

/**
 * A health indicator for `@nestjs/terminus`: down while the application drains, so that a load
 * balancer sends work elsewhere before connections are refused; when it is full; and when too much
 * work ignores its cancelation. For readiness; a liveness probe should not ask it. The route needs
 * `@Cancelable({ onShutdown: 'ignore' })`, to be served while draining.
 *
 * @example
 * \@Get('ready')
 * \@HealthCheck()
 * \@Cancelable({ onShutdown: 'ignore' })
 * ready() {
 *   return this.health.check([() => this.operations.isHealthy('operations', { zombies: 100 })]);
 * }
 * @publicApi
 */
@Injectable()
export class CancelableHealthIndicator {
  constructor(@Inject(OperationRegistry) private readonly registry: OperationRegistry) {}

  /**
   * Is up, unless the application drains, has no room left, or has too many zombies.
   *
   * @throws TypeError for limits that are not possible
   */
  isHealthy<Key extends string = 'operations'>(
    key: Key = 'operations' as Key,
    limits: HealthLimits = {},
  ): Record<Key, OperationsHealth> {
    const { registry } = this;
    const most = readLimits(limits);
    const { live, zombies } = registry.statistics();
    const { maxLive } = OperationRegistry.liveOf(registry);
    const { draining } = registry;
    const isFull = live >= maxLive * (most.live ?? 1);
    const hasTooManyZombies = zombies > (most.zombies ?? Infinity);
    const status = draining || isFull || hasTooManyZombies ? 'down' : 'up';
    return { [key]: { status, draining, live, maxLive, zombies } } as Record<Key, OperationsHealth>;
  }
}

function readLimits(limits: HealthLimits): HealthLimits {
  return readOptions(limits, 'isHealthy()', {
    zombies: countOf(0),
    live: (value, at) => {
      if (typeof value !== 'number' || !(value > 0 && value <= 1)) {
        refuse(at, value, 'a number above 0, up to 1');
      }
    },
  });
}
