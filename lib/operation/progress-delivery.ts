import type { OperationState } from './operation-state.js';
import { monotonicNow, wallNow } from '../scope/clock.js';
import { completeProgress, type OperationProgress, type ProgressReport } from './progress.js';
import { noteProgress } from './stall.js';

/** A report of the operation itself; nothing once its outcome is known. */
export function reportProgress(state: OperationState, report: string | ProgressReport): void {
  if (state.outcome !== undefined) return;
  const elapsed = monotonicNow() - state.startedAt;
  spreadProgress(state, completeProgress(report, state, wallNow(), elapsed));
}

/** Brings a report to an operation and everything above it; its origin may be elsewhere. */
export function spreadProgress(state: OperationState, progress: OperationProgress): void {
  noteProgress(state);
  for (let up: OperationState | undefined = state; up !== undefined; up = up.parentOperation) {
    deliverProgress(up, progress);
  }
}

function deliverProgress(state: OperationState, progress: OperationProgress): void {
  if (state.outcome !== undefined) return;
  const extras = state.ensureExtras();
  extras.progress = progress;
  if (extras.progressListeners !== undefined) {
    for (const listener of extras.progressListeners) {
      state.callSafely('A progress listener', listener, progress);
    }
  }
  state.host.progressed(state, progress);
}
