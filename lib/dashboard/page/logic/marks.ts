import type { DashboardOperation } from '../../api-types.js';

/** Milliseconds after a cancel from which what still runs is pointed out. */
const LONG_CANCELING = 5_000;

export type Mark = 'zombie' | 'straggler';

/** What about a live operation is worth a second look. */
export function markOf(
  { zombie, endedAt, canceledAt }: DashboardOperation,
  now: number,
  isDraining: boolean,
): Mark | undefined {
  if (zombie) return 'zombie';
  if (endedAt !== undefined) return undefined;
  const isLate = canceledAt !== undefined && now - Date.parse(canceledAt) >= LONG_CANCELING;
  return isDraining || isLate ? 'straggler' : undefined;
}

export function isLive({ endedAt }: DashboardOperation): boolean {
  return endedAt === undefined;
}

const OWNERS = ['owner', 'startedBy', 'requestedBy', 'user', 'userId', 'username', 'tenant'];

/** Who began it, if its metadata says so. */
export function startedBy({ metadata }: DashboardOperation): string | undefined {
  for (const key of OWNERS) {
    const value = (metadata as Readonly<Record<string, unknown>> | undefined)?.[key];
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number') return String(value);
  }
  return undefined;
}
