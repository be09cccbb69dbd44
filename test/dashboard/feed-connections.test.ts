import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { currentOperation, OperationRegistry } from 'nestjs-cancelable';
import { openEventSink } from '../../lib/dashboard/event-sink.js';
import { hang } from '../cluster/instances.js';
import { deferred } from '../support/deferred.js';
import { adapters } from '../support/http-app.js';
import { RawClient, send } from '../support/http-client.js';
import { until } from '../support/open-bus.js';
import { listenersOf, OPEN, startDashboard } from './dashboard-app.js';

describe.each(adapters)('The connections of the feed on %s', (adapter) => {
  it('count no reader that has left while a guard waited', async () => {
    const asked = deferred<void>();
    const answer = deferred<boolean>();
    const { caller, registry, clientLeft } = await startDashboard(adapter, {
      guards: [
        {
          canActivate(context: ExecutionContext) {
            const { headers } = context.switchToHttp().getRequest<{ headers: object }>();
            if (!('x-wait' in headers)) return true;
            asked.resolve();
            return answer.promise;
          },
        },
      ],
    });
    const before = listenersOf(registry);
    const request = send(`${caller.base}/api/feed`, { headers: { 'x-wait': '1' } });
    await asked.promise;
    const left = clientLeft();
    request.destroy();
    await left;
    answer.resolve(true);
    await caller.get('/api/info');
    expect(listenersOf(registry)).toBe(before);

    const reader = await caller.follow();
    await reader.until('reset');
    expect(listenersOf(registry)).toBe(before + 1);
  });

  it('are free again after a request for the headers alone', async () => {
    const { registry, port } = await startDashboard(adapter);
    const before = listenersOf(registry);
    const client = await RawClient.connect(port);
    client.write('HEAD /operations/api/feed HTTP/1.1\r\nHost: x\r\n\r\n');
    client.write('GET /operations/api/info HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until('"title":"Operations"');
    expect(client.received).toContain('text/event-stream');
    expect(listenersOf(registry)).toBe(before);
  });

  it('are not opened any more when all work has ended', async () => {
    const { caller, registry } = await startDashboard(adapter);
    OperationRegistry.liveOf(registry).phase = 'drained';
    const refused = await caller.get('/api/feed');
    expect(refused.status).toBe(503);
    expect((await caller.get('/api/operations')).status).toBe(200);
    OperationRegistry.liveOf(registry).phase = 'open';
  });
});

describe('A stream of events that ends', () => {
  it('is cut where nobody reads the rest', async () => {
    const opened = deferred<ServerResponse>();
    const server = createServer((_request, response) => opened.resolve(response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const response = await opened.promise;
    const sink = openEventSink(response, 'GET');
    const closed = once(response, 'close');
    sink?.write('x'.repeat(32_000_000));
    expect(sink?.isReady).toBe(false);

    sink?.end();
    await closed;
    client.leave();
    server.close();
  });
});

describe('The dashboard over HTTP/2 on Fastify', () => {
  let session: ClientHttp2Session | undefined;

  afterEach(() => session?.destroy());

  it('keeps for a slow reader the latest of each, and no more', async () => {
    const { registry, url } = await startDashboard('Fastify', OPEN, { http2: true });
    session = connectHttp2(url);
    const follow = () => session!.request({ ':path': '/operations/api/feed' });
    const slow = follow();
    await once(slow, 'response');
    // From here on, it does not read.
    let seen = '';
    const watcher = follow().setEncoding('utf8');
    watcher.on('data', (text: string) => (seen += text));
    await until(() => seen.includes('reset'));
    const big = 'x'.repeat(100_000);
    await registry.run({ name: 'long', metadata: { big } }, async () => {
      for (let step = 1; step <= 20; step++) {
        currentOperation().reportProgress({ current: step, total: 20 });
        await until(() => seen.includes(`"current":${step},`));
      }
    });
    await until(() => seen.includes('"completed"'));

    let late = '';
    slow.setEncoding('utf8').on('data', (text: string) => (late += text));
    await until(() => late.includes('"completed"'));
    const messages = (text: string) => text.split('event: changes').length - 1;
    expect(messages(seen)).toBeGreaterThan(20);
    expect(messages(late)).toBeGreaterThan(0);
    expect(messages(late)).toBeLessThan(10);
  });

  it.each([
    [undefined, 200],
    ['https://evil.example', 403],
  ])('takes a cancel from its own page in an old browser: %s', async (origin, status) => {
    const { registry, url } = await startDashboard('Fastify', OPEN, { http2: true });
    const { id } = registry.spawn('import', hang);
    session = connectHttp2(url);
    const request = session.request({
      ':method': 'POST',
      ':path': `/operations/api/operations/${id}/cancel`,
      'content-type': 'application/json',
      origin: origin ?? url,
    });
    request.end('{}');
    const [headers] = (await once(request, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(status);
  });
});
