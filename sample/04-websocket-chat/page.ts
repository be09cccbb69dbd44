/** The client. */
export const page = `<!doctype html>
<meta charset="utf-8">
<title>A chat that can be stopped</title>
<style>
  body { font: 1rem/1.5 system-ui; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  li { margin: 1rem 0 }
</style>
<form><input name="text" placeholder="Say something" autofocus> <button>Ask</button></form>
<ul></ul>
<script src="/socket.io/socket.io.js"></script>
<script>
  const socket = io();
  const list = document.querySelector('ul');
  const answers = {};
  let last = 0;
  document.querySelector('form').onsubmit = (event) => {
    event.preventDefault();
    const id = String(++last);
    const item = document.createElement('li');
    const stop = Object.assign(document.createElement('button'), { textContent: 'Stop' });
    stop.onclick = () => socket.emit('stop', { id });
    answers[id] = { text: item.appendChild(document.createElement('span')), stop };
    item.append(' ', stop);
    list.prepend(item);
    socket.emit('ask', { id, text: event.target.text.value });
    event.target.reset();
  };
  socket.on('word', ({ id, word }) => (answers[id].text.textContent += word + ' '));
  socket.on('done', ({ id }) => answers[id].stop.remove());
  socket.on('stopped', ({ id }) => (answers[id].stop.replaceWith('(stopped)')));
</script>
`;
