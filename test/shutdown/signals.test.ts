import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { rejection } from '../support/deferred.js';
import { get, OpenAnswer, send } from '../support/http-client.js';
import { compiled } from '../support/plain-node.js';
import { freePort } from '../support/servers.js';

const fixture = compiled(new URL('application.fixture.ts', import.meta.url));

/** An application in a process of its own. */
class Application {
  readonly lines: string[] = [];
  private waiting: (() => void)[] = [];
  private readonly exited: Promise<unknown[]>;

  constructor(private readonly child: ChildProcess) {
    this.exited = once(child, 'exit');
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => {
        this.lines.push(line);
        for (const check of this.waiting.splice(0)) check();
      });
    }
  }

  /** Resolves once so many lines contain a text. */
  async says(text: string, times = 1): Promise<string> {
    for (;;) {
      const found = this.lines.filter((line) => line.includes(text));
      if (found.length >= times) return found[times - 1]!;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** @returns exit code, and the signal that ended it if one did */
  async ended(): Promise<[number | null, string | null]> {
    return (await this.exited) as [number | null, string | null];
  }

  /** Where lines stand, to compare. */
  order(...texts: string[]): number[] {
    return texts.map((text) => this.lines.findIndex((line) => line.includes(text)));
  }
}

const running: Application[] = [];

afterEach(() => {
  for (const application of running.splice(0)) application.signal('SIGKILL');
});

async function start(
  kind: string,
  shutdown: object,
  env: Record<string, string> = {},
): Promise<{ application: Application; port: number; url: string }> {
  const child = spawn(process.execPath, [fixture, kind, JSON.stringify(shutdown)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const application = new Application(child);
  running.push(application);
  const port = Number((await application.says('listening on')).split(' ').at(-1));
  return { application, port, url: `http://127.0.0.1:${port}` };
}

describe.each(['express', 'fastify'])('SIGTERM to an application on %s', (kind) => {
  it('lets a request of 300 ms finish, closes the rest, and ends with exit code 0', async () => {
    const { application, url } = await start(kind, { grace: '20s' });
    const agent = new Agent({ keepAlive: true });
    const answer = get(`${url}/slow`, { agent });
    await application.says('entered');
    application.signal('SIGTERM');
    expect(await answer).toMatchObject({
      status: 200,
      text: 'done',
      headers: { connection: 'close' },
    });
    expect(await application.ended()).toEqual([0, null]);
    expect(application.lines).toContain('pool closed');
    agent.destroy();
  });

  it('cancels what does not end within the grace, before anything is closed', async () => {
    const { application, url } = await start(kind, { grace: '100ms' });
    const answer = get(`${url}/endless`);
    const events = await OpenAnswer.of(send(`${url}/events`));
    await application.says('entered', 2);
    application.signal('SIGTERM');
    const canceled = await answer;
    expect(canceled.status).toBe(503);
    expect(canceled.json()).toMatchObject({ code: 'OPERATION_SHUTDOWN' });
    await events.end();
    expect(events.received).toContain('event: canceled');
    expect(await application.ended()).toEqual([0, null]);
    const [stopped, root, pool] = application.order('stopped: shutdown', 'root closed', 'pool');
    expect(stopped).toBeGreaterThanOrEqual(0);
    expect(root).toBeGreaterThan(stopped!);
    expect(pool).toBeGreaterThan(stopped!);
  });

  it('a second time cancels at once', async () => {
    const { application, url } = await start(kind, { grace: '1h' });
    const answer = get(`${url}/endless`);
    await application.says('entered');
    application.signal('SIGTERM');
    // The first signal has arrived when new requests are refused.
    while ((await get(`${url}/slow`)).status !== 503);
    application.signal('SIGTERM');
    expect((await answer).json()).toMatchObject({ code: 'OPERATION_SHUTDOWN' });
    await application.says('canceled, since a second signal came: GET /endless');
    expect(await application.ended()).toEqual([0, null]);
  });

  it('leaves liveness probes alone, and a third time ends the cleanup too', async () => {
    const { application, url } = await start(kind, { grace: '1h', cleanup: '1h' });
    const answer = get(`${url}/deaf`);
    await application.says('entered');
    application.signal('SIGTERM');
    while ((await get(`${url}/slow`)).status !== 503);
    expect(await get(`${url}/health`)).toMatchObject({ status: 200, text: 'alive' });
    application.signal('SIGTERM');
    expect((await answer).json()).toMatchObject({ code: 'OPERATION_SHUTDOWN' });
    expect(await get(`${url}/health`)).toMatchObject({ status: 200 });
    application.signal('SIGTERM');
    await application.says('GET /deaf is left behind');
    expect(await application.ended()).toEqual([0, null]);
  });

  it('is over in grace, cleanup and a second, with a thousand requests and idle connections', async () => {
    const { application, url } = await start(kind, { grace: '200ms', cleanup: '200ms' });
    const idle = new Agent({ keepAlive: true });
    await Promise.all([1, 2, 3].map(() => get(`${url}/none`, { agent: idle })));
    const answers = Array.from({ length: 1_000 }, (_, index) =>
      get(`${url}/${index % 2 === 0 ? 'endless' : 'deaf'}`),
    );
    // An answer that comes, or fails, before the signal has no use.
    await Promise.race([application.says('entered', 1_000), Promise.all(answers)]);
    const before = performance.now();
    application.signal('SIGTERM');
    const statuses = await Promise.all(answers.map(async (answer) => (await answer).status));
    expect(new Set(statuses)).toEqual(new Set([503]));
    expect(await application.ended()).toEqual([0, null]);
    // Generous: a slow machine needs time for a thousand answers.
    expect(performance.now() - before).toBeLessThan(30_000);
    expect(await application.says('GET /deaf is left behind', 100)).toBeDefined();
    expect(await application.says('400 more are left behind: GET /deaf (400)')).toBeDefined();
    idle.destroy();
  });
});

describe('SIGTERM without HTTP', () => {
  it('drains a microservice before its modules are closed', async () => {
    const port = await freePort();
    const { application } = await start('microservice', { grace: '100ms' }, { PORT: String(port) });
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    });
    const answer = rejection(lastValueFrom(client.send('endless', {})));
    await application.says('entered');
    application.signal('SIGTERM');
    await answer;
    expect(await application.ended()).toEqual([0, null]);
    const [stopped, root] = application.order('stopped: ', 'root closed');
    expect(stopped).toBeGreaterThanOrEqual(0);
    expect(root).toBeGreaterThan(stopped!);
    client.close();
  });

  it('lets a microservice give its last answers', async () => {
    const port = await freePort();
    const { application } = await start('microservice', { grace: '20s' }, { PORT: String(port) });
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    });
    const answers = Promise.all([1, 2].map(() => lastValueFrom(client.send('slow', {}))));
    await application.says('entered');
    application.signal('SIGTERM');
    expect(await answers).toEqual(['done', 'done']);
    expect(await application.ended()).toEqual([0, null]);
    client.close();
  });

  it('drains an application context before its modules are closed', async () => {
    const { application } = await start('context', { grace: '100ms' });
    await application.says('entered');
    application.signal('SIGTERM');
    expect(await application.ended()).toEqual([0, null]);
    const [stopped, root] = application.order('stopped: ', 'root closed');
    expect(stopped).toBeGreaterThanOrEqual(0);
    expect(root).toBeGreaterThan(stopped!);
  });
});

describe('A script', () => {
  it('that closes its context lives until its modules are closed', async () => {
    const { application } = await start('script', { grace: '50ms', cleanup: '50ms' });
    expect(await application.ended()).toEqual([0, null]);
    expect(application.lines).toContain('root closed');
  });
});
