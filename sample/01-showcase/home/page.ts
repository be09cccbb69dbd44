/** For browsers. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>nestjs-cancelable: the showcase</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; --line: light-dark(#d5d9df, #3a3f46); --quiet: light-dark(#5a6069, #a3a9b3) }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
  button { font: inherit; padding: .4rem .9rem; min-width: 14rem; text-align: left }
  span button { min-width: 0 }
  li { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; padding: .5rem 0; border-bottom: 1px solid var(--line) }
  ul { list-style: none; padding: 0 }
  .quiet { color: var(--quiet) }
  .main { font-weight: 600; font-size: 1.1rem }
</style>
<main>
  <h1>nestjs-cancelable: the showcase</h1>
  <p class="main"><a href="operations" target="dashboard">Open the dashboard</a></p>
  <p>Put it beside this page, press a button, and see operations come, move and be canceled.</p>
  <ul>
    <li><button data-start="demo/minute">A minute of everything</button> <span>something begins every second and a half</span></li>
    <li><button data-start="demo/report">A report</button> <span>steps, some at a time: cancel it, and look at its time line</span></li>
    <li><button data-start="imports">An import</button> <span>170,000 rows, with progress, rate and remaining time</span></li>
    <li><button data-start="demo/batch">Forty thumbnails</button> <span>filter by their tag, and cancel them together</span></li>
    <li><button data-start="demo/timeout">A slow search</button> <span>its deadline passes after eight seconds</span></li>
    <li><button data-start="demo/latest">Autosave</button> <span>press it again: the new one cancels the one before</span></li>
    <li><button data-start="demo/failure">An upload</button> <span>fails after some seconds</span></li>
    <li><button data-start="demo/zombie">A stubborn export</button> <span>does not listen to its cancel, and is marked as a zombie</span></li>
    <li><button data-start="cities/around?radius=1000&pace=5ms" data-method="GET">A streamed answer</button> <span><button data-leave disabled>Leave</button> and it stops: the client has disconnected</span></li>
  </ul>
  <p id="answer" role="status" aria-live="polite">&nbsp;</p>
  <p class="quiet">In a terminal, <code>curl</code> this address: it answers with lines to paste.</p>
</main>
<script>
  const answer = document.getElementById('answer');
  const leave = document.querySelector('[data-leave]');
  let reading;

  for (const button of document.querySelectorAll('[data-start]')) {
    button.addEventListener('click', () => start(button));
  }
  leave.addEventListener('click', () => reading.abort());

  async function start({ dataset, textContent }) {
    const isStream = dataset.method === 'GET';
    try {
      if (!isStream) {
        await fetch(dataset.start, { method: 'POST' });
        answer.textContent = textContent + ': begun';
        return;
      }
      reading = new AbortController();
      leave.disabled = false;
      let bytes = 0;
      const response = await fetch(dataset.start, { signal: reading.signal });
      for await (const chunk of response.body) {
        bytes += chunk.length;
        answer.textContent = textContent + ': ' + bytes + ' bytes';
      }
    } catch (error) {
      answer.textContent = textContent + ': ' + (error.name === 'AbortError' ? 'left' : error.message);
    }
    leave.disabled = true;
  }
</script>
</html>
`;
