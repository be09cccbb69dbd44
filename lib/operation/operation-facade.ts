import type { OperationState } from './operation-state.js';

/**
 * Creates the public `Operation` of a state; set by the file that defines it, which stands above.
 */
let createFacade: (state: OperationState) => object;

export function defineFacade(create: (state: OperationState) => object): void {
  createFacade = create;
}

export function facadeOf(state: OperationState): object {
  return createFacade(state);
}
