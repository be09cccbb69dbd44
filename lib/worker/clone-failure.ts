import type { OperationState } from '../operation/operation-state.js';

/** Makes an error that says which value could not be cloned, in place of one that does not. */
export function explainClone(
  error: unknown,
  where: string,
  state: OperationState | undefined,
  args: readonly unknown[],
): unknown {
  if ((error as Error | undefined)?.name !== 'DataCloneError') return error;
  const entries = Object.entries(state?.metadata ?? {});
  const suspects = [
    ...entries.map(([key, value]) => [`metadata.${key} of ${state?.name}`, value] as const),
    ...args.map((value, index) => [`argument ${index}`, value] as const),
  ];
  const culprit = suspects.find(([, value]) => !isCloneable(value));
  const subject = culprit === undefined ? 'a value' : culprit[0];
  return new TypeError(
    `${where}: ${subject} cannot be cloned, so it cannot reach the thread. Pass plain data. (${(error as Error).message})`,
    { cause: error },
  );
}

/**
 * Whether this is the `DataCloneError` that ended a pool's thread, as it arrives from there:
 * without its message, on Node 20 as an empty object, on later versions with nothing but its stack.
 */
export function isLostCloneError(error: unknown): boolean {
  const { message, stack } = (error ?? {}) as { message?: unknown; stack?: unknown };
  return message === undefined || (message === '' && String(stack).startsWith('DataCloneError'));
}

/** A result that stays where it was made. */
export function uncloneableResult(cause: unknown): TypeError {
  return new TypeError(
    'What the function returned cannot be cloned, so it cannot leave the thread. Return plain data.',
    { cause },
  );
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
