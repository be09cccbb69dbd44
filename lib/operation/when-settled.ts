import type { OperationState } from './operation-state.js';

/** Resolves once it has really ended. */
export function whenSettled(state: OperationState): Promise<void> {
  if (state.outcome !== undefined) return Promise.resolve();
  return new Promise((resolve) => {
    (state.ensureExtras().settledListeners ??= new Set()).add(() => resolve());
  });
}
