import type { CauseSnapshot } from '../operation/cause-snapshots.js';
import type { OperationMetadata } from '../operation/operation-options.js';
import type { OperationState } from '../operation/operation-state.js';
import { bare, ownValue } from '../scope/plain-object.js';
import type { OperationProgress } from '../operation/progress.js';
import type { ErrorSnapshot, OperationSnapshot } from '../operation/snapshot.js';

/**
 * Bounds for what the history keeps of one operation, in characters: whatever users put into its
 * fields, a thousand entries must not fill the memory.
 */
const LONGEST = {
  id: 1_024,
  name: 256,
  message: 1_024,
  stack: 4_096,
  value: 1_024,
  metadata: 4_096,
};
const MOST_TAGS = 16;
/** Keys of metadata with which an operation is kept as it is. */
const MOST_KEYS = 16;

/** Whether there is an id to remember it by: a cut one could be taken for another. */
export function canBeFound(state: OperationState): boolean {
  return !state.hasId || state.id.length <= LONGEST.id;
}

/**
 * Whether a finished operation holds nothing that its user could still change, or that is large.
 */
export function isPlain(state: OperationState): boolean {
  return (
    state.outcome === 'completed' &&
    state.record === undefined &&
    state.extras?.progress === undefined &&
    state.extras?.partialResult === undefined &&
    state.plan.on === undefined &&
    state.name.length <= LONGEST.name &&
    (state.tags === undefined || areShort(state.tags)) &&
    (state.metadata === undefined || isFlat(state.metadata))
  );
}

function areShort(tags: readonly string[]): boolean {
  return tags.length <= MOST_TAGS && tags.every((tag) => tag.length <= LONGEST.name);
}

function isFlat(metadata: OperationMetadata): boolean {
  let keys = 0;
  for (const key in metadata) {
    if (!Object.hasOwn(metadata, key)) continue;
    if (++keys > MOST_KEYS || key.length > LONGEST.name) return false;
    const value = metadata[key];
    if (typeof value === 'string') {
      if (value.length > LONGEST.name) return false;
    } else if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      return false;
    }
  }
  return true;
}

/** A snapshot with every field cut to its bound. */
export function compact(whole: OperationSnapshot): OperationSnapshot {
  const snapshot = bare(whole);
  const { message, requestedBy, requestedFrom, parentId, tags } = snapshot;
  const { causes, progress, partialResult, error } = snapshot;
  return {
    ...snapshot,
    name: cut(snapshot.name, LONGEST.name),
    rootId: cut(snapshot.rootId, LONGEST.id),
    metadata: cutMetadata(snapshot.metadata),
    tags: tags.slice(0, MOST_TAGS).map((tag) => cut(tag, LONGEST.name)),
    ...(message === undefined ? undefined : { message: cut(message, LONGEST.message) }),
    ...(requestedBy === undefined ? undefined : { requestedBy: cut(requestedBy, LONGEST.name) }),
    ...(requestedFrom === undefined
      ? undefined
      : { requestedFrom: cut(requestedFrom, LONGEST.message) }),
    ...(parentId === undefined ? undefined : { parentId: cut(parentId, LONGEST.id) }),
    ...(causes === undefined ? undefined : { causes: causes.map(cutCause) }),
    ...(progress === undefined ? undefined : { progress: cutProgress(progress) }),
    ...(partialResult === undefined ? undefined : { partialResult: cutResult(partialResult) }),
    ...(error === undefined ? undefined : { error: cutError(error) }),
  };
}

/**
 * Cuts a partial result: that of a stream keeps its count, other large values only say how large
 * they were.
 */
function cutResult(partialResult: unknown): unknown {
  const kept = cutValue(partialResult);
  if (kept === partialResult) return kept;
  const count = ownValue(partialResult as object, 'count');
  return typeof count === 'number' ? { count, items: [] } : kept;
}

/** Keys in their order, for as long as there is room. */
function cutMetadata(metadata: OperationMetadata): OperationMetadata {
  if (isFlat(metadata)) return metadata;
  const kept: OperationMetadata = {};
  let room = LONGEST.metadata;
  for (const [key, value] of Object.entries(metadata)) {
    const short = cutValue(value);
    room -= key.length + sizeOf(short);
    if (room < 0) return { ...kept, '…': '[larger than 4 KiB]' };
    kept[key] = short;
  }
  return kept;
}

function cutProgress(progress: OperationProgress): OperationProgress {
  const { message, metadata, ...rest } = bare(progress);
  const numbers = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => typeof value === 'number'),
  );
  return {
    ...(numbers as { at: number }),
    operationId: cut(rest.operationId, LONGEST.id),
    operationName: cut(rest.operationName, LONGEST.name),
    ...(message === undefined ? undefined : { message: cut(message, LONGEST.message) }),
    ...(metadata === undefined ? undefined : { metadata: cutMetadata(metadata) }),
  };
}

function cutError(error: ErrorSnapshot): ErrorSnapshot {
  const { name, message, code, stack } = bare(error);
  return {
    name: cut(name, LONGEST.name),
    message: cut(message, LONGEST.message),
    ...(code === undefined
      ? undefined
      : { code: typeof code === 'string' ? cut(code, LONGEST.name) : code }),
    ...(stack === undefined ? undefined : { stack: cut(stack, LONGEST.stack) }),
  };
}

function cutCause(cause: CauseSnapshot): CauseSnapshot {
  return Object.fromEntries(
    Object.entries(cause).map(([key, value]) => [key, cut(value as string, LONGEST.name)]),
  ) as unknown as CauseSnapshot;
}

/** A value of JSON as it is, cut, or replaced by a word about its size. */
function cutValue(value: unknown): unknown {
  if (typeof value === 'string') return cut(value, LONGEST.value);
  return sizeOf(value) <= LONGEST.value ? value : '[larger than 1 KiB]';
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  return JSON.stringify(value).length;
}

function cut(text: unknown, longest: number): string {
  const whole = typeof text === 'string' ? text : String(text);
  if (whole.length <= longest) return whole;
  // A slice would keep the whole text in memory.
  const bytes = Buffer.from(whole.slice(0, longest - 1), 'utf16le');
  return `${bytes.toString('utf16le')}…`;
}
