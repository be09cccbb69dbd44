import type { Registry } from 'prom-client';
import { OperationRegistry } from '../registry/operation-registry.js';
import type { CancelableExtension } from '../registry/cancelable-extension.js';
import { loadPeer } from '../scope/load-peer.js';
import { isObject, memberOf } from '../scope/plain-object.js';
import { undoing } from '../scope/shared-method.js';
import { readOptions, refuse } from '../scope/validate.js';
import type { Operation } from '../operation/operation.js';
import { ignoring } from '../telemetry/ignored-operations.js';
import { measureOperations } from '../telemetry/measure-operations.js';
import { loggingOnce } from '../telemetry/observe-safely.js';
import { shareMetrics } from './shared-metrics.js';

/**
 * Options of `prometheus()`.
 *
 * @publicApi
 */
export interface PrometheusOptions {
  /** A `Registry` of `prom-client`. Default: its global one, `register`. */
  readonly register?: object;
  /**
   * What the names of metrics begin with: letters, digits and `_`, no digit first. The dashboard in
   * the package knows the default. Default: `'cancelable_'`.
   */
  readonly prefix?: string;
  /**
   * Operations that are in no metric; asked once for each, when it is first told of. What was refused
   * is counted all the same: there was no operation to ask about. What it throws is logged, once for
   * each name, and the operation is told of. Default: none.
   */
  readonly ignore?: (operation: Operation) => boolean;
}

/**
 * Puts the metrics of operations on a registry of `prom-client`, until the application is closed.
 * Applications that share a registry are added up.
 *
 * @throws TypeError for options that can never work
 * @throws Error when the application starts: `prom-client` is not installed, or another metric has
 * one of the names, or the application has these metrics already
 * @example
 * CancelableModule.forRoot({ extensions: [prometheus()] })
 *
 * \@Get('metrics')
 * \@Header('content-type', register.contentType)
 * metrics() {
 *   return register.metrics();
 * }
 * @publicApi
 */
export function prometheus(options: PrometheusOptions = {}): CancelableExtension {
  const given = readOptions(options, 'prometheus()', {
    register: readRegistry,
    prefix: readPrefix,
    ignore: (value, where) => {
      if (typeof value !== 'function') refuse(where, value, 'a function of the operation');
    },
  });
  const { prefix = 'cancelable_', ignore } = given;
  return {
    name: 'prometheus',
    async install({ registry, log }) {
      const client = await loadPeer('prom-client', 'prometheus()', () => import('prom-client'));
      const register = (given.register ?? client.register) as Registry;
      const store = OperationRegistry.liveOf(registry);
      const ignores = ignoring(ignore, log, 'prometheus(): ignore');
      const { metrics, leave } = shareMetrics(client, register, prefix, store, ignores);
      const onFailure = loggingOnce(log, 'prometheus()');
      return undoing([leave, measureOperations(store, () => metrics, ignores, onFailure)]);
    },
  };
}

function readRegistry(value: unknown, where: string): void {
  const has = (name: string) => isObject(value) && typeof memberOf(value, name) === 'function';
  if (!['registerMetric', 'getSingleMetric', 'removeSingleMetric', 'metrics'].every(has)) {
    refuse(where, value, 'a Registry of prom-client');
  }
}

function readPrefix(value: unknown, where: string): void {
  if (typeof value === 'string' && /^[a-zA-Z_]\w{0,99}$/.test(value)) return;
  refuse(where, value, 'up to 100 letters, digits and _, with no digit first');
}
