import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { type RunningSample, startSample } from '../support/sample.js';

describe('the WebSocket chat', () => {
  let sample: RunningSample;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    sample = await startSample('04-websocket-chat');
  });
  afterAll(async () => {
    for (const socket of sockets) socket.disconnect();
    await sample.stop();
  });

  function connect(): Socket {
    const socket = io(sample.url, { transports: ['websocket'], forceNew: true });
    sockets.push(socket);
    return socket;
  }

  const next = (socket: Socket, event: string) =>
    new Promise<any>((resolve) => socket.once(event, resolve));

  it('serves its page', async () => {
    const response = await fetch(sample.url);
    expect(await response.text()).toContain('/socket.io/socket.io.js');
  });

  it('answers word by word until its client, and nobody else, says stop', async () => {
    const asking = connect();
    const meddling = connect();
    const first = next(asking, 'word');
    asking.emit('ask', { id: '1', text: 'hello' });
    expect(await first).toEqual({ id: '1', word: 'You' });

    const refused = next(meddling, 'stopped');
    meddling.emit('stop', { id: '1' });
    expect(await refused).toEqual({ id: '1', count: 0 });
    await next(asking, 'word');

    const exception = next(asking, 'exception');
    const stopped = next(asking, 'stopped');
    asking.emit('stop', { id: '1' });
    expect(await stopped).toEqual({ id: '1', count: 1 });
    expect(await exception).toEqual({
      status: 'error',
      message: 'The operation was canceled',
      code: 'OPERATION_MANUAL',
    });
  });

  it('is silent when nobody listens', async () => {
    const leaving = connect();
    const first = next(leaving, 'word');
    leaving.emit('ask', { id: '1', text: 'bye' });
    await first;
    leaving.disconnect();
    const answers = await sample.json<any[]>('/answers');
    expect(answers.at(-1)).toMatchObject({
      name: 'ask',
      kind: 'ws',
      status: 'canceled',
      reason: 'disconnect',
    });
  });
});
