import { useEffect } from 'preact/hooks';
import { cancelRequest } from './data/cancel-requests.js';
import { leave, route } from './data/location.js';
import { session } from './data/session.js';
import { useStore } from './data/store.js';
import type { ViewName } from './logic/route.js';
import { CancelDialog } from './parts/cancel-dialog.js';
import { DrainBanner } from './parts/drain-banner.js';
import { Header } from './parts/header.js';
import { Notices } from './parts/notices.js';
import { ChartsView } from './views/charts.js';
import { HistoryView } from './views/history.js';
import { InstancesView } from './views/instances.js';
import { LiveView } from './views/live.js';
import { OperationView } from './views/operation.js';

const LABELS: Readonly<Record<ViewName, string>> = {
  live: 'Live',
  operation: 'Operation',
  history: 'History',
  charts: 'Charts',
  instances: 'Instances',
};

const VIEWS: Readonly<Record<ViewName, () => preact.JSX.Element>> = {
  live: LiveView,
  operation: OperationView,
  history: HistoryView,
  charts: ChartsView,
  instances: InstancesView,
};

/** The server has put it into the page. */
const title = document.title;

export function App() {
  const { view, id } = useStore(route);
  const denied = useStore(session.denied);
  useEffect(() => {
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  useEffect(() => {
    document.title = `${LABELS[view]} · ${title}`;
  }, [view]);
  useEffect(() => focusMain(), [view, id]);
  if (denied !== undefined) return <Denied message={denied} />;
  const View = VIEWS[view];
  return (
    <>
      <Header />
      <DrainBanner />
      <View key={id ?? view} />
      <Notices />
      <CancelDialog />
    </>
  );
}

function Denied({ message }: { readonly message: string }) {
  return (
    <main id="main" tabIndex={-1} class="denied">
      <h1>You may not see the operations</h1>
      <p role="alert">{message}</p>
      <p>
        <button type="button" onClick={() => location.reload()}>
          Try again
        </button>
      </p>
    </main>
  );
}

let isFirst = true;

/** Who reads by ear, or by keys, is led to what is new; a table may have taken the focus already. */
function focusMain(): void {
  const main = document.getElementById('main');
  if (!isFirst && main?.contains(document.activeElement) === false) {
    main.focus({ preventScroll: true });
  }
  isFirst = false;
}

/** Keys of the whole page: `/` leads to the search, Escape out of what is open. */
function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  const isTyping = target.matches('input, select, textarea');
  if (event.ctrlKey || event.metaKey || event.altKey || cancelRequest.get() !== undefined) return;
  if (event.key === '/' && !isTyping) {
    const search = document.querySelector<HTMLInputElement>('[data-search]');
    if (search === null) return;
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === 'Escape') {
    if (isTyping) target.blur();
    else if (route.get().view === 'operation') leave();
  }
}
