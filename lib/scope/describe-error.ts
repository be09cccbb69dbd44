import { escapeControls } from './escape-controls.js';
import { readableParts } from './plain-object.js';

/** An error as a line of a log; users may throw anything, also what cannot be printed. */
export function describeError(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'an error that cannot be printed';
  }
}

/**
 * An error's stack for a log: its message, of many lines perhaps, as one, so that it has no frames
 * but its own.
 */
export function stackOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { stack, message } = readableParts(error);
  if (typeof stack !== 'string' || typeof message !== 'string') return undefined;
  const end = stack.indexOf(message) + message.length;
  return end < message.length ? stack : escapeControls(stack.slice(0, end)) + stack.slice(end);
}
