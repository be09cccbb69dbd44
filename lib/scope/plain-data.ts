import { configure } from 'safe-stable-stringify';

/** Bounds for values of users, which may be of any size and shape. */
const stringify = configure({
  bigint: true,
  circularValue: '[circular]',
  deterministic: false,
  maximumDepth: 8,
  maximumBreadth: 2_000,
});

/**
 * A copy of anything as JSON would carry it; what cannot be carried says so instead of throwing.
 */
export function plain(value: unknown): unknown {
  if (value === null || typeof value !== 'object') {
    return typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol'
      ? text(value)
      : value;
  }
  try {
    const json = stringify(value);
    return json === undefined ? text(value) : (JSON.parse(json) as unknown);
  } catch (error) {
    return `[not serializable: ${error instanceof Error ? error.message : text(error)}]`;
  }
}

/** A moment for JSON. */
export function isoTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

/** A duration for JSON: never negative, to the microsecond. */
export function milliseconds(value: number): number {
  return Math.max(0, Math.round(value * 1_000) / 1_000);
}

/** Anything as text; what cannot be printed says so. */
export function text(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'a value that cannot be printed';
  }
}
