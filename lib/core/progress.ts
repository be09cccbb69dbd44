/**
 * @publicApi
 */
export interface ProgressReport {
  readonly message?: string;
  readonly current?: number;
  readonly total?: number;
  readonly [key: string]: unknown;
}

/**
 * How far an operation is.
 *
 * @publicApi
 */
export interface OperationProgress {
  readonly message?: string;
  readonly current?: number;
  readonly total?: number;
  /** 0 to 100, to one decimal, when `current` and `total` are known. */
  readonly percent?: number;
  /** When it was reported: milliseconds since the epoch. */
  readonly at: number;
  /** The id of the operation that reported it. */
  readonly operationId: string;
  readonly operationName: string;
  /** Whatever else was reported. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * @publicApi
 */
export type ProgressListener = (progress: OperationProgress) => unknown;

/** The report of a user, completed. Values that make no sense (a total of 0, NaN) give no percent. */
export function completeProgress(
  report: string | ProgressReport,
  operation: { readonly id: string; readonly name: string },
  at: number,
): OperationProgress {
  const origin = { at, operationId: operation.id, operationName: operation.name };
  if (typeof report === 'string') return { message: report, ...origin };
  const { message, current, total, ...metadata } = report;
  const percent = percentOf(current, total);
  return {
    ...(message === undefined ? undefined : { message }),
    ...(current === undefined ? undefined : { current }),
    ...(total === undefined ? undefined : { total }),
    ...(percent === undefined ? undefined : { percent }),
    ...origin,
    ...(Object.keys(metadata).length === 0 ? undefined : { metadata }),
  };
}

function percentOf(current: number | undefined, total: number | undefined): number | undefined {
  if (current === undefined || total === undefined || !(total > 0) || !(current >= 0))
    return undefined;
  return Math.min(100, Math.round((current / total) * 1_000) / 10);
}
