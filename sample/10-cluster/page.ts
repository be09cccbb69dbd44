/** The client. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Three instances</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; --line: light-dark(#d5d9df, #3a3f46); --quiet: light-dark(#5a6069, #a3a9b3) }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  button, select { font: inherit; padding: .3rem .7rem }
  .scroll { overflow-x: auto }
  table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
  caption { text-align: left; font-weight: 600; font-size: 1.1rem }
  th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid var(--line) }
  code { font-size: .8rem }
  .quiet { color: var(--quiet); font-size: .875rem }
</style>
<main>
  <h1>Three instances behind one port</h1>
  <p>Each request goes to the next instance. A job runs in the one that started it; any other lists it, follows it and
  cancels it.</p>
  <p><button id="start">Start a job</button> <label>Ask
    <select id="to">
      <option value="">the next instance</option>
      <option>one</option><option>two</option><option>three</option>
    </select></label></p>
  <p id="answer" role="status" aria-live="polite">&nbsp;</p>
  <div class="scroll"><table>
    <caption>Instances</caption>
    <thead><tr><th scope="col">Name</th><th scope="col">Process</th>
      <th scope="col">The others say</th><th scope="col">Live operations</th><th></th></tr></thead>
    <tbody id="instances"></tbody>
  </table></div>
  <div class="scroll"><table>
    <caption>Jobs <span id="complete" class="quiet"></span></caption>
    <thead><tr><th scope="col">Id</th><th scope="col">Instance</th><th scope="col">Steps</th><th></th></tr></thead>
    <tbody id="jobs"></tbody>
  </table></div>
  <p id="followed" role="status" aria-live="off">Follow a job to see its progress as it comes.</p>
</main>
<script>
  const byId = (id) => document.getElementById(id);
  let source;

  async function ask(path, method = 'GET', to = '') {
    const headers = to === '' ? {} : { 'x-instance': to };
    const response = await fetch(path, { method, headers, cache: 'no-store' });
    const body = await response.json();
    if (!response.ok) throw new Error(body.message);
    return body;
  }

  /** Does something, and says what came of it. */
  async function act(path, method, tell) {
    try {
      byId('answer').textContent = tell(await ask(path, method, byId('to').value));
    } catch (error) {
      byId('answer').textContent = error.message;
    }
  }

  byId('start').onclick = () =>
    act('jobs', 'POST', ({ servedBy, id }) => 'Instance ' + servedBy + ' has started ' + id + '.');

  const cancel = (id) =>
    act('jobs/' + id, 'DELETE', ({ servedBy, canceled, owner }) =>
      canceled
        ? 'Instance ' + servedBy + ' has canceled it, in instance ' + owner + '.'
        : 'Instance ' + servedBy + ' has found nothing to cancel.');

  function follow(id) {
    source?.close();
    source = new EventSource('jobs/' + id + '/progress');
    const show = ({ type, data }) => {
      const { status, progress, reason } = JSON.parse(data);
      const steps = (progress?.current ?? 0) + ' of 100';
      byId('followed').textContent = id + ': ' + (reason ?? status) + ', ' + steps;
      if (type === 'settled') source.close();
    };
    for (const type of ['state', 'progress', 'settled']) source.addEventListener(type, show);
    source.onerror = () => (byId('followed').textContent = id + ': its instance is gone, or this one.');
  }

  const control = (name, command) =>
    act('instances/' + name + '/' + command, 'POST', () => 'Instance ' + name + ': ' + command + ' done.');

  /** Rows are made anew only where something has changed, so that a button keeps its focus. */
  function fill(body, rows) {
    const text = JSON.stringify(rows);
    if (body.dataset.text === text) return;
    body.dataset.text = text;
    const focused = document.activeElement?.getAttribute('aria-label');
    body.replaceChildren(...rows.map(({ cells, buttons }) => {
      const row = document.createElement('tr');
      for (const cell of cells) row.insertCell().textContent = cell;
      const last = row.insertCell();
      for (const [label, name, action] of buttons) {
        const button = document.createElement('button');
        button.textContent = label;
        button.setAttribute('aria-label', label + ' ' + name);
        button.onclick = () => ({ follow, cancel }[action] ?? ((id) => control(id, action)))(name);
        last.append(button, ' ');
      }
      return row;
    }));
    for (const button of body.querySelectorAll('button')) {
      if (button.getAttribute('aria-label') === focused) button.focus();
    }
  }

  async function look() {
    try {
      const [{ processes }, { instances }, list] =
        await Promise.all(['processes', 'instances', 'jobs'].map((path) => ask(path)));
      fill(byId('instances'), processes.map(({ name, pid }) => {
        const known = instances.find(({ id }) => id === name);
        const said = known === undefined ? 'not there' : known.replied ? 'there' : 'does not answer';
        const command = pid === undefined ? ['Start', name, 'start'] : ['Kill', name, 'kill'];
        return { cells: [name, pid ?? 'none', said, known?.live ?? ''], buttons: [command] };
      }));
      fill(byId('jobs'), list.jobs.map(({ id, instance, steps }) => ({
        cells: [id, instance, steps],
        buttons: [['Follow', id, 'follow'], ['Cancel', id, 'cancel']],
      })));
      const silent = list.expected.filter((name) => !list.replied.includes(name));
      byId('complete').textContent = list.complete
        ? 'complete: ' + list.replied.join(', ') + ' have answered'
        : 'not complete: no answer from ' + silent.join(', ');
    } catch (error) {
      byId('complete').textContent = 'no answer: ' + error.message;
    }
    setTimeout(look, 500);
  }
  look();
</script>
</html>
`;
