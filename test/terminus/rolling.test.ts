import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Cancelable, currentOperation } from 'nestjs-cancelable';
import { CancelableHealthIndicator } from 'nestjs-cancelable/terminus';
import { turn } from '../support/deferred.js';
import { type Adapter, adapters, type HttpApp, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

const PROBE_EVERY = 20;
/** Far longer than two probes take, also where the machine is slow. */
const DELAY = 700;
const CLIENTS = 6;

@Controller()
class Api {
  constructor(
    private readonly health: HealthCheckService,
    private readonly operations: CancelableHealthIndicator,
  ) {}

  @Get('ready')
  @HealthCheck()
  @Cancelable({ onShutdown: 'ignore' })
  ready() {
    return this.health.check([() => this.operations.isHealthy()]);
  }

  @Get('work')
  @Cancelable('10s')
  async work() {
    await currentOperation().sleep(5);
    return 'done';
  }
}

const wait = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

const statusOf = (url: string): Promise<number | string> =>
  get(url).then(
    ({ status }) => status,
    (error: unknown) => String(error),
  );

/** Sends requests to those whose readiness probe said yes last. */
class Balancer {
  private readonly ready = new Map<string, boolean>();
  private readonly probes: Promise<void>[] = [];
  private turn = 0;

  add(url: string): void {
    this.ready.set(url, false);
    this.probes.push(this.probe(url));
  }

  remove(url: string): void {
    this.ready.delete(url);
  }

  async until(url: string, isReady: boolean): Promise<void> {
    while (this.ready.get(url) !== isReady) await turn();
  }

  async request(): Promise<number | string> {
    const urls = [...this.ready].filter(([, isReady]) => isReady).map(([url]) => url);
    if (urls.length === 0) return 'nobody is ready';
    return statusOf(`${urls[this.turn++ % urls.length]}/work`);
  }

  async end(): Promise<void> {
    this.ready.clear();
    await Promise.all(this.probes);
  }

  private async probe(url: string): Promise<void> {
    while (this.ready.has(url)) {
      const isReady = (await statusOf(`${url}/ready`)) === 200;
      if (this.ready.has(url)) this.ready.set(url, isReady);
      await wait(PROBE_EVERY);
    }
  }
}

const start = (adapter: Adapter): Promise<HttpApp> =>
  startHttpApp(adapter, {
    imports: [TerminusModule],
    controllers: [Api],
    providers: [CancelableHealthIndicator],
    cancelable: { shutdown: { delay: DELAY, grace: '10s' } },
    forceClose: false,
  });

describe.each(adapters)('A rolling update of three instances under load, on %s', (adapter) => {
  it('fails no request: each is unready at once, and serves until the balancer knows', async () => {
    const balancer = new Balancer();
    const instances = await Promise.all([start(adapter), start(adapter), start(adapter)]);
    for (const { url } of instances) balancer.add(url);
    for (const { url } of instances) await balancer.until(url, true);
    const answers: (number | string)[] = [];
    let isOver = false;
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!isOver) answers.push(await balancer.request());
    });

    for (const old of instances) {
      const successor = await start(adapter);
      balancer.add(successor.url);
      await balancer.until(successor.url, true);
      const closed = old.app.close();
      while (!old.registry.draining) await turn();
      // The probe turns at once, and requests that still come are served.
      expect(await statusOf(`${old.url}/ready`)).toBe(503);
      expect(await statusOf(`${old.url}/work`)).toBe(200);
      await balancer.until(old.url, false);
      await closed;
      balancer.remove(old.url);
    }
    isOver = true;
    await Promise.all(clients);
    await balancer.end();

    expect(answers.filter((status) => status !== 200)).toEqual([]);
    expect(answers.length).toBeGreaterThan(100);
  }, 60_000);
});
