/** The client. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A report that stops</title>
<link rel="icon" href="data:,">
<style>
  :root {
    color-scheme: light dark;
    --text: #1c1e21; --quiet: #5a6069; --page: #f6f7f9; --card: #fff; --line: #d5d9df;
    --waiting: #5a6069; --running: #0b57d0; --done: #13703a; --stopped: #b3261e;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --text: #e6e8eb; --quiet: #a3a9b3; --page: #16181b; --card: #1f2226; --line: #3a3f46;
      --waiting: #a3a9b3; --running: #8ab4f8; --done: #7bd49a; --stopped: #ff9d94;
    }
  }
  body {
    font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
    max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  }
  form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end }
  label { display: grid; font-size: .875rem; color: var(--quiet) }
  input, select, button { font: inherit; padding: .4rem .75rem }
  input { width: 5rem }
  .lanes {
    list-style: none; padding: 0; display: grid; gap: 1rem;
    grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr));
  }
  .lanes li {
    background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem;
    border-top: .35rem solid var(--waiting);
  }
  .lanes [data-state=running] { border-top-color: var(--running) }
  .lanes [data-state=done] { border-top-color: var(--done) }
  .lanes [data-state=stopped] { border-top-color: var(--stopped) }
  h2 { margin: 0; font-size: 1.1rem }
  .lanes p { margin: .25rem 0 }
  .state { font-weight: 600; color: var(--waiting) }
  [data-state=running] .state { color: var(--running) }
  [data-state=done] .state { color: var(--done) }
  [data-state=stopped] .state { color: var(--stopped) }
  .elapsed { font-variant-numeric: tabular-nums; float: right }
  .quiet { color: var(--quiet); font-size: .875rem; min-height: 1.5em }
  progress { width: 100% }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--line) }
  th:first-child, td:first-child { text-align: left }
</style>
<main>
  <h1>A report that stops</h1>
  <p>A slow query in PostgreSQL, a request to a slow service and a computation in a thread, all at once. When
  the report is canceled, by whatever, all three stop.</p>
  <form>
    <label>Seconds each takes
      <input name="seconds" type="number" min="1" max="50" value="10" required></label>
    <label>I wait for
      <select name="limit">
        <option value="">as long as it takes</option>
        <option value="3000">3 seconds</option>
      </select></label>
    <button>Start</button>
    <button type="button" id="stop" disabled>Stop</button>
    <button type="button" id="cancel" disabled>Cancel from the server</button>
  </form>
  <p id="why" role="status" aria-live="polite">No report yet.</p>
  <ul class="lanes" aria-label="The parts of the report">
    <li id="query" data-state="waiting">
      <h2>Query</h2>
      <p><span class="state">waiting</span> <span class="elapsed"></span></p>
      <progress aria-label="Progress of the query" value="0"></progress>
      <p class="quiet detail"></p>
      <p class="quiet">as pg_stat_activity shows it</p>
    </li>
    <li id="request" data-state="waiting">
      <h2>Outgoing call</h2>
      <p><span class="state">waiting</span> <span class="elapsed"></span></p>
      <progress aria-label="Progress of the outgoing call" value="0"></progress>
      <p class="quiet detail"></p>
      <p class="quiet">as the other service counts its open requests</p>
    </li>
    <li id="ranking" data-state="waiting">
      <h2>Ranking</h2>
      <p><span class="state">waiting</span> <span class="elapsed"></span></p>
      <progress aria-label="Progress of the ranking" value="0"></progress>
      <p class="quiet detail"></p>
      <p class="quiet">as Node counts its threads</p>
    </li>
  </ul>
  <table id="result" hidden>
    <caption>The report</caption>
    <thead><tr>
      <th scope="col">Region</th><th scope="col">Sales</th><th scope="col">USD</th>
      <th scope="col">EUR</th><th scope="col">Sells most, in % of the draws</th>
    </tr></thead>
    <tbody></tbody>
  </table>
</main>
<script>
  const byId = (id) => document.getElementById(id);
  const form = document.querySelector('form');
  const start = form.querySelector('button');
  const stop = byId('stop');
  const cancel = byId('cancel');
  const why = byId('why');
  const reasons = {
    disconnect: 'the client left',
    manual: 'canceled from the server',
    timeout: 'its time was up',
    shutdown: 'the server shuts down',
  };
  const inSeconds = (ms) => (ms / 1000).toFixed(1) + ' s';
  let controller;
  let expectedMs = 10000;

  /** Only what is new is written, so that it is read out once. */
  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  form.onsubmit = async (event) => {
    event.preventDefault();
    const { seconds, limit } = Object.fromEntries(new FormData(form));
    expectedMs = seconds * 1000;
    controller = new AbortController();
    start.disabled = true;
    stop.disabled = false;
    byId('result').hidden = true;
    try {
      const response = await fetch('report?seconds=' + seconds, {
        signal: controller.signal,
        headers: limit ? { 'x-request-timeout-ms': limit } : {},
      });
      if (response.ok) show(await response.json());
    } catch {
      // Stopped: the status tells.
    } finally {
      start.disabled = false;
      stop.disabled = true;
    }
  };
  stop.onclick = () => controller.abort();
  cancel.onclick = () => fetch('report', { method: 'DELETE' }).catch(() => {});

  function show(rows) {
    byId('result').hidden = false;
    byId('result').tBodies[0].replaceChildren(
      ...rows.map((row) => {
        const line = document.createElement('tr');
        for (const key of ['region', 'sales', 'usd', 'eur', 'leads']) {
          line.insertCell().textContent = row[key].toLocaleString();
        }
        return line;
      }),
    );
  }

  function showLane(id, { state, running, elapsedMs, detail }) {
    const lane = byId(id);
    lane.dataset.state = state;
    write(lane.querySelector('.state'), running > 1 ? state + ' (' + running + ')' : state);
    write(lane.querySelector('.elapsed'), state === 'waiting' ? '' : inSeconds(elapsedMs));
    write(lane.querySelector('.detail'), detail);
    lane.querySelector('progress').value = state === 'done' ? 1 : Math.min(1, elapsedMs / expectedMs);
  }

  function showReport(report) {
    if (report === undefined) return 'No report yet.';
    const { status, reason, durationMs } = report;
    if (reason === undefined) {
      if (status === 'running') return 'Running.';
      return (status === 'completed' ? 'Done' : 'Failed') + ' after ' + inSeconds(durationMs) + '.';
    }
    return 'Canceled: ' + reason + ', ' + (reasons[reason] ?? 'see the log') + '.';
  }

  async function follow() {
    try {
      const { report, ...lanes } = await (await fetch('status', { cache: 'no-store' })).json();
      write(why, showReport(report));
      cancel.disabled = report?.status !== 'running';
      for (const [id, lane] of Object.entries(lanes)) showLane(id, lane);
    } catch {
      write(why, 'The server does not answer.');
      cancel.disabled = true;
    }
    setTimeout(follow, 100);
  }
  follow();
</script>
</html>
`;
