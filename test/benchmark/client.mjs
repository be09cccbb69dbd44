import { connect } from 'node:net';

/** Keeps a few connections busy with one request at a time, and counts complete answers. */
const [, , port, total] = process.argv.map(Number);
const CONNECTIONS = 16;
const request = 'GET /bench HTTP/1.1\r\nHost: localhost\r\n\r\n';
const body = '{"ok":1}';
let sent = 0;
let received = 0;

for (let index = 0; index < CONNECTIONS; index++) {
  const socket = connect(port, '127.0.0.1');
  let buffered = '';
  const send = () => {
    if (sent++ < total) socket.write(request);
    else socket.end();
  };
  socket.on('connect', send);
  socket.on('data', (chunk) => {
    buffered += chunk.toString('latin1');
    if (!buffered.endsWith(body)) return;
    if (!buffered.startsWith('HTTP/1.1 200')) throw new Error(buffered);
    buffered = '';
    received++;
    send();
  });
  socket.on('close', () => {
    if (received === total) process.exit(0);
  });
  socket.on('error', (error) => {
    throw error;
  });
}

/** Never sleeps: waking a client is work of the server's, and more of it the longer it slept. */
const stayAwake = () => setImmediate(stayAwake);
stayAwake();
