import type { OperationLog } from '../operation/operation-log.js';
import type { MethodDefinition } from '../methods/method-definition.js';
import type { CancelableRuntime } from '../methods/cancelable-runtime.js';
import { isHeardElsewhere, signalsOf } from '../sources/on-signal.js';

/** Says so when a signal that cancels one method also ends the application: it would do both. */
export function warnOfSharedSignals(
  definitions: readonly MethodDefinition[],
  runtime: CancelableRuntime,
  log: OperationLog,
): void {
  for (const definition of definitions) {
    const { sources } = definition.mergedOptions(runtime);
    if (!Array.isArray(sources)) continue;
    for (const signal of new Set((sources as unknown[]).flatMap(signalsOf))) {
      if (!isHeardElsewhere(signal)) continue;
      log.warn(
        `${definition.where}: onSignal('${signal}') waits for a signal that the process listens to ` +
          'already. If that is for enableShutdownHooks(), the signal ends the application too: use ' +
          'another one, or leave it out of enableShutdownHooks([…]).',
      );
    }
  }
}
