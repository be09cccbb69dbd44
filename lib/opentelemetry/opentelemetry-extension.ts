import { OperationRegistry } from '../registry/operation-registry.js';
import type { CancelableExtension } from '../registry/cancelable-extension.js';
import type { OperationStore } from '../registry/operation-store.js';
import { monotonicNow } from '../scope/clock.js';
import { loadPeer } from '../scope/load-peer.js';
import { readBoolean, readOptions, refuse } from '../scope/validate.js';
import type { Operation } from '../operation/operation.js';
import type { OperationState } from '../operation/operation-state.js';
import { ignoring } from '../telemetry/ignored-operations.js';
import { loggingOnce, observeSafely, type OnFailure } from '../telemetry/observe-safely.js';
import { isMeasured, OperationMetrics } from './operation-metrics.js';
import { OperationSpans } from './operation-spans.js';
import { hasSpans } from './span-contexts.js';

/**
 * Options of `opentelemetry()`.
 *
 * @publicApi
 */
export interface OpenTelemetryOptions {
  /** A span for each operation. Default: true. */
  readonly spans?: boolean;
  /** The metrics `cancelable.*`. Default: true. */
  readonly metrics?: boolean;
  /**
   * Operations that have no span and are in no metric; asked once for each, when it is first told of.
   * What was refused is counted all the same: there was no operation to ask about. What it throws is
   * logged, once for each name, and the operation is told of. Default: none.
   */
  readonly ignore?: (operation: Operation) => boolean;
}

/**
 * Tells OpenTelemetry of operations: a span each, which is active while its body runs, and the
 * metrics `cancelable.*`. It uses the SDK that the application registers, before or after the start;
 * without one it does nothing.
 *
 * @throws TypeError for options that can never work
 * @throws Error when the application starts: `@opentelemetry/api` is not installed, or another
 * `opentelemetry()` of the application has the same part
 * @example
 * CancelableModule.forRoot({
 *   extensions: [opentelemetry({ ignore: ({ name }) => name === 'GET /health' })],
 * });
 * @publicApi
 */
export function opentelemetry(options: OpenTelemetryOptions = {}): CancelableExtension {
  const { spans, metrics, ignore } = readOptions(options, 'opentelemetry()', {
    spans: readBoolean,
    metrics: readBoolean,
    ignore: (value, where) => {
      if (typeof value !== 'function') refuse(where, value, 'a function of the operation');
    },
  });
  return {
    name: 'opentelemetry',
    async install({ registry, log }) {
      const api = await loadPeer(
        '@opentelemetry/api',
        'opentelemetry()',
        () => import('@opentelemetry/api'),
      );
      const store = OperationRegistry.liveOf(registry);
      if ((spans !== false && hasSpans(store)) || (metrics !== false && isMeasured(store))) {
        throw new Error('opentelemetry() is there twice: each operation would be told of twice');
      }
      const ignores = ignoring(ignore, log, 'opentelemetry(): ignore');
      const onFailure = loggingOnce(log, 'opentelemetry()');
      const parts = {
        metrics:
          metrics === false ? undefined : new OperationMetrics(api, store, ignores, onFailure),
        spans: spans === false ? undefined : new OperationSpans(api, store, ignores, onFailure),
      };
      const stop = observeStarts(store, parts, onFailure);
      return () => {
        stop();
        parts.spans?.end();
        parts.metrics?.end();
      };
    },
  };
}

/** Milliseconds between two looks for an SDK: to ask the API each time costs more than all else. */
const PACE = 100;

function observeStarts(
  { events }: OperationStore,
  { metrics, spans }: { metrics: OperationMetrics | undefined; spans: OperationSpans | undefined },
  onFailure: OnFailure,
): () => void {
  let nextLook = -Infinity;
  const look = (now: number) => {
    nextLook = now + PACE;
    metrics?.look();
    spans?.look();
  };
  look(monotonicNow());
  const started = (state: OperationState) => {
    if (state.startedAt >= nextLook) look(state.startedAt);
    spans?.started(state);
  };
  return observeSafely(events, 'started', started, onFailure);
}
