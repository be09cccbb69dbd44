import { session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { countOf, formatCount } from '../logic/format.js';

interface LiveCountProps {
  readonly matching: number;
  readonly total: number | undefined;
  /** How many are shown, where that is not all. */
  readonly partly: number | undefined;
  readonly isFiltered: boolean;
}

/** How many there are. Not read out with each change: they come and go all the time. */
export function LiveCount({ matching, total, partly, isFiltered }: LiveCountProps) {
  const isConnected = useStore(session.connection) === 'live';
  const words =
    total === undefined
      ? 'Listing…'
      : !isFiltered || matching === total
        ? countOf(total, 'live operation')
        : `${formatCount(matching)} of ${countOf(total, 'live operation')}`;
  return (
    <p class="count">
      {words}
      {partly !== undefined && (
        <span class="muted">
          , of which {formatCount(partly)} are held here: filter for the others
        </span>
      )}
      {!isConnected && total !== undefined && <span class="muted"> as last heard of</span>}
    </p>
  );
}
