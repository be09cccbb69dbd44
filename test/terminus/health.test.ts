import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Cancelable } from 'nestjs-cancelable';
import { CancelableHealthIndicator } from 'nestjs-cancelable/terminus';
import { deferred, thrown, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

@Controller()
class Health {
  constructor(
    private readonly health: HealthCheckService,
    private readonly operations: CancelableHealthIndicator,
  ) {}

  @Get('ready')
  @HealthCheck()
  @Cancelable({ onShutdown: 'ignore' })
  ready() {
    return this.health.check([
      () => this.operations.isHealthy('operations', { zombies: 0, live: 0.5 }),
    ]);
  }
}

describe.each(adapters)('The health of operations on %s', (adapter) => {
  const start = () =>
    startHttpApp(adapter, {
      imports: [TerminusModule],
      controllers: [Health],
      providers: [CancelableHealthIndicator],
      cancelable: { maxLive: 4, zombies: { after: 1 }, shutdown: { grace: '1h' } },
    });

  it('is up, and down when too many are live', async () => {
    const { url, registry } = await start();
    const up = await get(`${url}/ready`);
    expect(up.status).toBe(200);
    // The probe itself is live too.
    expect(up.json().info.operations).toEqual({
      status: 'up',
      draining: false,
      live: 1,
      maxLive: 4,
      zombies: 0,
    });
    const gate = deferred();
    registry.spawn('work', () => gate.promise);
    const down = await get(`${url}/ready`);
    expect(down.status).toBe(503);
    expect(down.json().error.operations).toMatchObject({ status: 'down', live: 2 });
    gate.resolve();
    await registry.whenIdle();
    expect((await get(`${url}/ready`)).status).toBe(200);
  });

  it('is down while work ignores its cancel', async () => {
    const host = await start();
    const gate = deferred();
    const haunted = host.next('zombie');
    host.registry.spawn('deaf', () => gate.promise).cancel();
    await haunted;
    expect((await get(`${host.url}/ready`)).json().error.operations).toMatchObject({ zombies: 1 });
    gate.resolve();
    await host.registry.whenIdle();
  });

  it('is down, and still told, while the application drains', async () => {
    const { app, url, registry } = await start();
    const gate = deferred();
    registry.spawn('work', () => gate.promise);
    const closed = app.close();
    while (!registry.draining) await turn();
    const down = await get(`${url}/ready`);
    expect(down.status).toBe(503);
    expect(down.json().error.operations).toMatchObject({ status: 'down', draining: true });
    gate.resolve();
    await closed;
  });

  it('refuses impossible limits', async () => {
    const { app } = await start();
    const indicator = app.get(CancelableHealthIndicator);
    expect(thrown(() => indicator.isHealthy('key', { live: 2 })).message).toContain('live');
    expect(thrown(() => indicator.isHealthy('key', { zombies: -1 })).message).toContain('zombies');
  });
});
