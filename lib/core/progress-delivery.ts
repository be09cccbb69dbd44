import type { OperationState } from './operation-state.js';
import type { OperationProgress } from './progress.js';
import { noteProgress } from './stall.js';

/** Brings a report to an operation and everything above it; its origin may be elsewhere. */
export function spreadProgress(state: OperationState, progress: OperationProgress): void {
  noteProgress(state);
  for (let up: OperationState | undefined = state; up !== undefined; up = up.parentOperation) {
    deliverProgress(up, progress);
  }
}

function deliverProgress(state: OperationState, progress: OperationProgress): void {
  if (state.outcome !== undefined) return;
  const extras = state.more();
  extras.progress = progress;
  if (extras.progressListeners !== undefined) {
    for (const listener of extras.progressListeners) {
      state.callSafely('A progress listener', listener, progress);
    }
  }
  state.host.progressed(state, progress);
}
