import { bare } from '../scope/plain-object.js';

/**
 * A report of `operation.reportProgress()`. Any further key is metadata of the report.
 *
 * @publicApi
 */
export interface ProgressReport {
  /** What is being done. */
  readonly message?: string;
  /** How much is done. */
  readonly current?: number;
  /** How much there is to do. */
  readonly total?: number;
  /** Further facts: the metadata of the report. */
  readonly [key: string]: unknown;
}

/**
 * How far an operation is.
 *
 * @publicApi
 */
export interface OperationProgress {
  /** What is being done. */
  readonly message?: string;
  /** How much is done. */
  readonly current?: number;
  /** How much there is to do. */
  readonly total?: number;
  /** 0 to 100, to one decimal, when `current` and `total` are known. */
  readonly percent?: number;
  /** `current` per second, since the operation that reports began. */
  readonly rate?: number;
  /** Milliseconds until `total`, at this rate. */
  readonly remaining?: number;
  /** When it was reported: milliseconds since the epoch. */
  readonly at: number;
  /** The id of the operation that reported it. */
  readonly operationId: string;
  /** The name of the operation that reports. */
  readonly operationName: string;
  /** Whatever else was reported. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * Called with every report of an operation and of those below it.
 *
 * @publicApi
 */
export type ProgressListener = (progress: OperationProgress) => unknown;

/**
 * The report of a user, completed. Values that make no sense (a total of 0, NaN) give no percent.
 */
export function completeProgress(
  report: string | ProgressReport,
  operation: { readonly id: string; readonly name: string },
  at: number,
  /** Milliseconds since the operation began. */
  elapsed: number,
): OperationProgress {
  const origin = { at, operationId: operation.id, operationName: operation.name };
  if (typeof report === 'string') return { message: report, ...origin };
  const { message, current, total, ...metadata } = bare(report);
  const percent = percentOf(current, total);
  const rate = rateOf(current, elapsed);
  const remaining = remainingOf(current, total, rate);
  return {
    ...(message === undefined ? undefined : { message }),
    ...(current === undefined ? undefined : { current }),
    ...(total === undefined ? undefined : { total }),
    ...(percent === undefined ? undefined : { percent }),
    ...(rate === undefined ? undefined : { rate }),
    ...(remaining === undefined ? undefined : { remaining }),
    ...origin,
    ...(Object.keys(metadata).length === 0 ? undefined : { metadata }),
  };
}

function percentOf(current: number | undefined, total: number | undefined): number | undefined {
  if (current === undefined || total === undefined || !(total > 0) || !(current >= 0))
    return undefined;
  return Math.min(100, Math.round((current / total) * 1_000) / 10);
}

function rateOf(current: number | undefined, elapsed: number): number | undefined {
  if (current === undefined || !(current > 0) || !(elapsed > 0)) return undefined;
  return Math.round((current / elapsed) * 1_000_000) / 1_000;
}

function remainingOf(
  current: number | undefined,
  total: number | undefined,
  rate: number | undefined,
): number | undefined {
  if (current === undefined || total === undefined || rate === undefined || !(rate > 0)) {
    return undefined;
  }
  return Math.max(0, Math.round(((total - current) / rate) * 1_000));
}
