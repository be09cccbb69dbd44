import { isRecord, ownValue } from '../scope/plain-object.js';

/** Who holds a lease. */
export interface LeaseHolder {
  /** The name of the instance. */
  readonly instance: string;
  /** The operation that took it. */
  readonly operation: string;
  /** The one run of the instance, which no other has: it may have been started again. */
  readonly run: string;
  /** Counts the leases of that run: no two have the same holder. */
  readonly lease: number;
}

/** The text that a server keeps for a lease. */
export function holderText(holder: LeaseHolder): string {
  return JSON.stringify(holder);
}

/** @returns `undefined` for what another version has written, or somebody else */
export function readHolder(text: string): LeaseHolder | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(parsed)) return undefined;
  const [instance, operation, run] = ['instance', 'operation', 'run'].map((key) => {
    const value = ownValue(parsed, key);
    return typeof value === 'string' ? value : undefined;
  });
  const lease = ownValue(parsed, 'lease');
  if (instance === undefined || operation === undefined || run === undefined) return undefined;
  return typeof lease === 'number' ? { instance, operation, run, lease } : undefined;
}

/** The instance of a holder, for messages. */
export function instanceOf(holder: string): string {
  return readHolder(holder)?.instance ?? 'another instance';
}
