import { useNow } from '../data/clock.js';
import { session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { formatDuration } from '../logic/format.js';
import { Icon } from './icons.js';

/** Says that the application shuts down, and for how long it still waits. */
export function DrainBanner() {
  const ends = useStore(session.drainEnds);
  return ends === undefined ? null : <Draining ends={ends} />;
}

function Draining({ ends }: { readonly ends: number }) {
  const left = Math.max(0, ends - useNow());
  return (
    <div class="banner" role="region" aria-label="Drain">
      <Icon name="canceling" />
      <span role="alert">
        This instance is draining: it begins nothing new, and what still runs will be canceled.
      </span>
      <span class="number" role="timer">
        {left > 0 ? `${formatDuration(left)} left` : 'The grace is over'}
      </span>
    </div>
  );
}
