import type { DashboardOperation } from '../../api-types.js';
import { clock } from '../data/clock.js';
import { session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { type Mark, markOf } from '../logic/marks.js';
import { Icon } from './icons.js';
import { Text } from './text.js';

/** Where an operation stands, and why: an icon and words, so that nothing depends on colours. */
export function Status({ operation }: { readonly operation: DashboardOperation }) {
  const { status, reason } = operation;
  return (
    <span class={`pill ${status}`}>
      <Icon name={status} />
      <span>{status}</span>
      {reason !== undefined && <span class="reason">{reason}</span>}
    </span>
  );
}

const MEANINGS: Readonly<Record<Mark, string>> = {
  zombie: 'still runs long after its cancel',
  straggler: 'still runs although it should have ended',
};

/** Says of a live operation that it does not end. */
export function MarkOf({ operation }: { readonly operation: DashboardOperation }) {
  const isDraining = useStore(session.drainEnds) !== undefined;
  const mark = markOf(operation, clock.get(), isDraining);
  if (mark === undefined) return null;
  return (
    <span class={`mark ${mark}`} title={MEANINGS[mark]}>
      <Icon name={mark} />
      {mark}
    </span>
  );
}

export function Tags({ of }: { readonly of: readonly string[] | undefined }) {
  if (of === undefined || of.length === 0) return null;
  return (
    <span class="tags">
      {of.map((tag) => (
        <span class="tag" key={tag}>
          <Text of={tag} longest={40} />
        </span>
      ))}
    </span>
  );
}
