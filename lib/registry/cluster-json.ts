import type { OperationSnapshot } from '../operation/snapshot.js';

/** Bytes of one operation; a larger one is sent without what makes it so. */
const LARGEST = 400_000;
const LONGEST_TEXT = 50_000;

/** A snapshot as text that a bus can carry. */
export function jsonWithin(snapshot: OperationSnapshot): string {
  const text = JSON.stringify(snapshot);
  // No character has more than three bytes.
  if (text.length * 3 <= LARGEST || Buffer.byteLength(text) <= LARGEST) return text;
  const { id, name, kind, status, reason, message, parentId, rootId } = snapshot;
  const { startedAt, endedAt, canceledAt, durationMs, deadline } = snapshot;
  const { zombie, returned, overran } = snapshot;
  return JSON.stringify({
    ...{ id, kind, status, reason, parentId, rootId },
    ...{ startedAt, endedAt, canceledAt, durationMs, deadline },
    ...{ zombie, returned, overran },
    name: name.slice(0, LONGEST_TEXT),
    message: message?.slice(0, LONGEST_TEXT),
    metadata: {},
    tags: [],
    partialResult: `[too large to be sent: ${text.length} characters]`,
  });
}
