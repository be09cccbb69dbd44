import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { describe, expect, it } from '@jest/globals';
import type { OperationRegistry } from 'nestjs-cancelable';
import { outgoingHttp, type OutgoingHttpOptions } from 'nestjs-cancelable/http';
import * as undici from 'undici';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { deferred, rejection, turn } from '../support/deferred.js';
import { openOperation } from '../support/open-operation.js';
import { clients } from './clients.js';
import { startHttp2Upstream, startUpstream, type Upstream } from './upstream.js';

async function start(options?: OutgoingHttpOptions) {
  return startContext({}, { extensions: [outgoingHttp(options)] });
}

const get = clients['node:http']!;
const read = async (url: string, dispatcher: undici.Dispatcher) =>
  (await undici.request(url, { dispatcher })).body.text();

describe('requests that wait for a connection', () => {
  it('are interrupted in the queue of an agent, which goes on with the others', async () => {
    const { registry } = await start();
    const upstream = await startUpstream();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    closeAfterTest(() => agent.destroy());
    const ask = (path: string) =>
      new Promise<string>((resolve, reject) => {
        const request = http.get(`${upstream.url}${path}`, { agent }, (response) => {
          response.resume().once('end', () => resolve(path));
        });
        request.once('error', reject);
      });
    const first = openOperation(registry, () => ask('/hang'));
    await upstream.next();
    const second = openOperation(registry, () => ask('/second'));
    const third = openOperation(registry, () => ask('/third'));
    second.operation.cancel();
    expect(await rejection(second.work)).toBe(second.operation.cancelation);
    first.operation.cancel();
    expect(await rejection(first.work)).toBe(first.operation.cancelation);
    expect(await third.work).toBe('/third');
    expect(await ask('/outside')).toBe('/outside');
    expect(upstream.seen.map(({ url }) => url)).toEqual(['/hang', '/third', '/outside']);
    expect(Object.keys(agent.requests)).toEqual([]);
  });

  it('are interrupted in the queue of a pool, which goes on with the others', async () => {
    const { registry } = await start();
    const upstream = await startUpstream();
    const pool = new undici.Pool(upstream.url, { connections: 1, pipelining: 1 });
    closeAfterTest(() => pool.destroy());
    const first = openOperation(registry, () => read(`${upstream.url}/hang`, pool));
    await upstream.next();
    const second = openOperation(registry, () => read(`${upstream.url}/second`, pool));
    const third = openOperation(registry, () => read(`${upstream.url}/third`, pool));
    const outside = read(`${upstream.url}/outside`, pool);
    second.operation.cancel();
    expect(await rejection(second.work)).toBe(second.operation.cancelation);
    // The queue goes on in the context of the first, which is canceled.
    first.operation.cancel();
    expect(await rejection(first.work)).toBe(first.operation.cancelation);
    expect(await third.work).toContain('host');
    expect(await outside).toContain('host');
    expect(upstream.seen.map(({ url }) => url)).toEqual(['/hang', '/third', '/outside']);
  });

  it('belong to whoever made them, in whatever context a connection becomes free', async () => {
    const { registry } = await start();
    const upstream = await startUpstream();
    const pool = new undici.Pool(upstream.url, { connections: 1, pipelining: 1 });
    closeAfterTest(() => pool.destroy());
    // The connection is opened by the first operation, which goes on.
    const ended = deferred();
    const first = openOperation(registry, async () => {
      await read(`${upstream.url}/first`, pool);
      await ended.promise;
    });
    const outside = read(`${upstream.url}/hang`, pool);
    for (let seen = ''; seen !== '/hang';) seen = (await upstream.next()).url;
    const queued = read(`${upstream.url}/queued`, pool);
    for (const each of [outside, queued]) each.catch(() => {});
    first.operation.cancel();
    ended.resolve();
    await first.work.catch(() => {});
    pool.destroy(new Error('by hand')).catch(() => {});
    expect((await rejection(outside)).message).toBe('by hand');
    expect((await rejection(queued)).message).toBe('by hand');
  });
});

describe('a redirect that undici follows', () => {
  it('belongs to whoever began it, not to the operation that opened the connection', async () => {
    const { registry } = await start();
    const upstream = await startUpstream();
    const agent = new undici.Agent({ connections: 1 });
    closeAfterTest(() => agent.destroy());
    const redirected = agent.compose(undici.interceptors.redirect({ maxRedirections: 2 }));
    const opened = deferred();
    const opener = openOperation(registry, async (own) => {
      await read(`${upstream.url}/first`, agent);
      opened.resolve();
      await own.sleep('1h');
    });
    await opened.promise;
    const next = upstream.next();
    const follower = openOperation(registry, () => read(`${upstream.url}/to?%2Fhang`, redirected));
    await next;
    const hanging = await upstream.next();
    expect(hanging.url).toBe('/hang');
    opener.operation.cancel();
    await rejection(opener.work);
    expect(follower.operation.status).toBe('running');
    let isOver = false;
    follower.work.catch(() => (isOver = true));
    await turn();
    expect(isOver).toBe(false);
    follower.operation.cancel();
    expect(await rejection(follower.work)).toBe(follower.operation.cancelation);
    await hanging.left;
  });
});

describe('the requests of node:http', () => {
  it('bring nothing down that nobody listens to', async () => {
    const { registry } = await start();
    const upstream = await startUpstream();
    const { operation, work } = openOperation(registry, (own) => {
      http.get(`${upstream.url}/hang`);
      http.get(`${upstream.url}/stall`, () => {});
      return own.sleep('1h');
    });
    const seen = [await upstream.next(), await upstream.next()];
    operation.cancel();
    await rejection(work);
    await Promise.all(seen.map(({ left }) => left));
  });

  it('are interrupted while they resolve a name', async () => {
    const { registry } = await start();
    const asked = deferred();
    const { operation, work } = openOperation(registry, async () => {
      const request = http.get('http://nowhere.invalid/', { lookup: () => asked.resolve() });
      await once(request, 'response');
    });
    await asked.promise;
    operation.cancel();
    expect(await rejection(work)).toBe(operation.cancelation);
  });

  it('leave a connection alone that was upgraded', async () => {
    const { registry } = await start();
    const upstream = await startUpstream();
    const server = http.createServer().listen(0, '127.0.0.1');
    closeAfterTest(() => server.close());
    server.on('upgrade', (_request, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n',
      );
      socket.on('error', () => {}).pipe(socket);
    });
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { work } = openOperation(registry, async (own) => {
      const request = http.get({ port, headers: { connection: 'upgrade', upgrade: 'echo' } });
      const [, socket] = (await once(request, 'upgrade')) as [
        unknown,
        http.IncomingMessage['socket'],
      ];
      closeAfterTest(() => socket.destroy());
      own.cancel();
      socket.write('still here');
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      return chunk.toString();
    });
    expect(await work).toBe('still here');
    expect(upstream.seen).toEqual([]);
  });
});

describe('the requests of node:http2', () => {
  async function session(upstream: Upstream) {
    const client = http2.connect(upstream.url);
    closeAfterTest(() => client.destroy());
    await once(client, 'connect');
    return client;
  }

  const text = async (client: http2.ClientHttp2Session, path: string) => {
    let body = '';
    for await (const chunk of client.request({ ':path': path })) body += String(chunk);
    return body;
  };

  it.each(['/hang', '/stall'])('are reset by their operation: %s', async (path) => {
    const { registry } = await start();
    const upstream = await startHttp2Upstream();
    const client = await session(upstream);
    const { operation, work } = openOperation(registry, () => text(client, path));
    const seen = await upstream.next();
    operation.cancel();
    expect(await rejection(work)).toBe(operation.cancelation);
    await seen.left;
    expect(upstream.codes).toEqual([http2.constants.NGHTTP2_CANCEL]);
    expect(await text(client, '/after')).toContain('/after');
    const late = openOperation(registry, async (own) => {
      own.cancel();
      return text(client, '/late');
    });
    expect(await rejection(late.work)).toBe(late.operation.cancelation);
    expect(upstream.seen.map(({ url }) => url)).toEqual([path, '/after']);
  });

  it('are interrupted while their session connects', async () => {
    const { registry } = await start();
    const upstream = await startHttp2Upstream();
    const client = http2.connect(upstream.url);
    closeAfterTest(() => client.destroy());
    const { operation, work } = openOperation(registry, () => text(client, '/never'));
    operation.cancel();
    expect(await rejection(work)).toBe(operation.cancelation);
    expect(await text(client, '/after')).toContain('/after');
    expect(upstream.seen.map(({ url }) => url)).not.toContain('/never');
  });

  it('carry a deadline, but not those of gRPC, which are left alone', async () => {
    const upstream = await startHttp2Upstream();
    const { registry } = await start({ deadlines: { to: [upstream.url] } });
    const client = await session(upstream);
    const { headers } = await registry.run({ name: 'ask', timeout: '1m' }, async () => {
      void text(client, '/').catch(() => {});
      return upstream.next();
    });
    expect(Number(headers['x-request-timeout-ms'])).toBeGreaterThan(30_000);
    const { work } = openOperation(registry, async (own) => {
      const call = client.request({ ':path': '/grpc', 'content-type': 'application/grpc+proto' });
      let status: unknown;
      call.once('response', (answer) => (status = answer[':status']));
      own.cancel();
      await once(call.resume(), 'close');
      return status;
    });
    expect(await work).toBe(200);
    expect(upstream.seen.at(-1)!.headers).not.toHaveProperty('x-request-timeout-ms');
  });
});

const senders = {
  fetch: async (url: string, headers: Record<string, string>) =>
    (await fetch(url, { headers })).text(),
  'undici.request': async (url: string, headers: Record<string, string>) =>
    (await undici.request(url, { headers: Object.entries(headers).flat() })).body.text(),
  'undici.request with redirects': async (url: string, headers: Record<string, string>) => {
    const dispatcher = undici
      .getGlobalDispatcher()
      .compose(undici.interceptors.redirect({ maxRedirections: 2 }));
    return (await undici.request(url, { headers, dispatcher })).body.text();
  },
  axios: async (url: string, headers: Record<string, string>) => {
    const { default: axios } = await import('axios');
    return (await axios.get<string>(url, { headers, responseType: 'text' })).data;
  },
};

describe.each(Object.entries(senders))('deadlines of %s', (name, ask) => {
  const sent = async (registry: OperationRegistry, url: string, headers = {}) => {
    const text = await registry.run({ name: 'ask', timeout: '1m' }, () => ask(url, headers));
    return JSON.parse(text) as http.IncomingHttpHeaders;
  };

  it('go to the origins that are named, and no other', async () => {
    const [told, other] = [await startUpstream(), await startUpstream()];
    const { registry } = await start({ deadlines: { to: [told.url], margin: '5s' } });
    const left = Number((await sent(registry, told.url))['x-request-timeout-ms']);
    expect(Number.isInteger(left)).toBe(true);
    expect(left).toBeLessThanOrEqual(55_000);
    expect(left).toBeGreaterThan(30_000);
    expect(await sent(registry, other.url)).not.toHaveProperty('x-request-timeout-ms');
    expect(JSON.parse(await ask(told.url, {}))).not.toHaveProperty('x-request-timeout-ms');
    const unlimited = await registry.run('ask', () => ask(told.url, {}));
    expect(JSON.parse(unlimited)).not.toHaveProperty('x-request-timeout-ms');
  });

  it('leave a header alone that is there already, and name the operation if asked for', async () => {
    const told = await startUpstream();
    const deadlines = { to: [told.url], header: 'X-Budget', idHeader: 'x-operation' };
    const { registry } = await start({ deadlines });
    expect(await sent(registry, told.url, { 'x-budget': '7' })).toMatchObject({ 'x-budget': '7' });
    let id: string | undefined;
    const headers = await registry.run({ name: 'ask', timeout: '1m' }, async (own) => {
      id = own.id;
      return JSON.parse(await ask(told.url, {})) as http.IncomingHttpHeaders;
    });
    expect(headers['x-operation']).toBe(id);
    expect(Number(headers['x-budget'])).toBeGreaterThan(1_000);
  });

  if (name !== 'undici.request') {
    it('are gone after a redirect to another origin', async () => {
      const [told, other] = [await startUpstream(), await startUpstream()];
      const { registry } = await start({ deadlines: { to: [told.url], idHeader: 'x-operation' } });
      const away = `${told.url}/to?${encodeURIComponent(`${other.url}/there`)}`;
      const headers = await sent(registry, away);
      expect(headers['host']).toBe(`127.0.0.1:${other.port}`);
      expect(headers).not.toHaveProperty('x-request-timeout-ms');
      expect(headers).not.toHaveProperty('x-operation');
      expect(told.seen[0]!.headers).toHaveProperty('x-request-timeout-ms');
      const back = `${other.url}/to?${encodeURIComponent(`${told.url}/here`)}`;
      expect(await sent(registry, back)).toHaveProperty('x-request-timeout-ms');
    });
  }
});

describe('outgoingHttp()', () => {
  const places = () =>
    [
      [http.Agent.prototype, 'addRequest'],
      [http.ClientRequest.prototype, 'onSocket'],
      [Object.getPrototypeOf(undici.Agent.prototype), 'dispatch'],
    ].map(([owner, key]) => (owner as Record<string, unknown>)[key as string]);

  it('puts back what it replaced, whichever application closes first', async () => {
    const upstream = await startUpstream();
    const before = places();
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const apps = [await start(), await start()];
      places().forEach((each, index) => expect(each).not.toBe(before[index]));
      for (const index of order) {
        for (const client of [clients['fetch of a string']!, get]) {
          const { operation, work } = openOperation(apps[index]!.registry, () =>
            client(`${upstream.url}/hang`),
          );
          const seen = await upstream.next();
          operation.cancel();
          await rejection(work);
          await seen.left;
        }
        await apps[index]!.app.close();
      }
      expect(places()).toEqual(before);
    }
  });

  it('leaves requests alone that it is told to ignore, and those of other applications', async () => {
    const upstream = await startUpstream();
    const urls: string[] = [];
    const { registry } = await start({
      ignore(url) {
        urls.push(url.href);
        return url.pathname === '/audit';
      },
      deadlines: { to: [upstream.url] },
    });
    const other = await startContext({});
    for (const client of [clients['fetch of a string']!, clients["undici's request"]!, get]) {
      urls.length = 0;
      const audit = openOperation(registry, async (own) => {
        own.cancel();
        return client(`${upstream.url}/audit`);
      });
      expect(await audit.work).not.toContain('x-request-timeout-ms');
      expect(urls).toEqual([`${upstream.url}/audit`]);
      const work = openOperation(other.registry, async (own) => {
        own.cancel();
        return client(upstream.url);
      });
      expect(await work.work).toContain('host');
    }
  });

  it.each<[unknown, string]>([
    [{ ignore: 'audit' }, 'ignore'],
    [{ ignore: async () => true }, 'is async'],
    [{ deadlines: {} }, '"to" is missing'],
    [{ deadlines: { to: 'http://localhost' } }, 'a list of origins'],
    [{ deadlines: { to: ['localhost:3000'] } }, 'an origin, without a path'],
    [{ deadlines: { to: ['http://localhost/'] } }, 'an origin, without a path'],
    [{ deadlines: { to: [], header: 'a b' } }, 'the name of a header'],
    [{ deadlines: { to: [], margin: -1 } }, 'margin'],
    [{ deadline: {} }, 'there is no option'],
  ])('refuses %p', (options, message) => {
    expect(() => outgoingHttp(options as OutgoingHttpOptions)).toThrow(message);
  });
});
