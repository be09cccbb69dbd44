import { readFileSync } from 'node:fs';
import { Counter, register as globalRegistry, Registry } from 'prom-client';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Header } from '@nestjs/common';
import { Cancelable } from 'nestjs-cancelable';
import { prometheus, type PrometheusOptions } from 'nestjs-cancelable/prometheus';
import { startContext } from '../support/app-context.js';
import { deferred, rejection } from '../support/deferred.js';
import { runFixture } from '../support/fixture.js';
import { adapters, startHttpApp } from '../support/http-app.js';

interface Dashboard {
  readonly panels: {
    readonly targets: { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: { readonly list: { readonly query: string }[] };
}

const dashboard = JSON.parse(
  readFileSync(new URL('../../grafana/nestjs-cancelable.json', import.meta.url), 'utf8'),
) as Dashboard;

/** The labels of each metric of a scrape. */
function labelsOf(scrape: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, name, labels = ''] of scrape.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = found.get(name!) ?? new Set<string>();
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!);
    found.set(name!, known);
  }
  return found;
}

const start = (options?: PrometheusOptions) =>
  startContext({}, { extensions: [prometheus(options)], zombies: { after: 1 } });

describe.each(adapters)('prometheus() on %s', (adapter) => {
  it('has every metric and label that the dashboard asks for', async () => {
    const register = new Registry();
    const gate = deferred();

    @Controller()
    class Pages {
      @Get('slow')
      @Cancelable('10ms')
      async slow(): Promise<void> {
        await gate.promise;
      }

      @Get('metrics')
      @Header('content-type', 'text/plain')
      @Cancelable()
      metrics(): Promise<string> {
        return register.metrics();
      }
    }
    const { url, registry, next } = await startHttpApp(adapter, {
      controllers: [Pages],
      cancelable: {
        extensions: [prometheus({ register })],
        zombies: { after: 1 },
        maxChildren: 1,
      },
    });
    const zombie = next('zombie');
    expect((await fetch(`${url}/slow`)).status).toBe(504);
    await zombie;
    await rejection(registry.run('failing', () => Promise.reject(new Error('broken'))));
    await rejection(
      registry.run('crowd', async () => {
        const two = [0, 1].map(() => registry.run('one', (operation) => operation.sleep('1h')));
        return Promise.race(two);
      }),
    );
    const stopping = registry.run('stopping', (operation) => operation.sleep('1h'));
    registry.cancelAll({ name: 'stopping' });
    await rejection(stopping);
    await registry.whenIdle({ name: 'stopping' });

    const scrape = await (await fetch(`${url}/metrics`)).text();
    const labels = labelsOf(scrape);
    expect(scrape).toContain(
      'cancelable_operation_cancelations_total{cancelable_operation_name="GET /slow",cancelable_operation_kind="http",cancelable_reason="timeout"} 1',
    );
    expect(scrape).toContain(
      'cancelable_operation_zombies{cancelable_operation_name="GET /slow",cancelable_operation_kind="http"} 1',
    );
    expect(scrape).toMatch(/^cancelable_operation_refused_total 1$/m);

    const queries = [
      ...dashboard.panels.flatMap(({ targets }) => targets.map((target) => target.expr)),
      ...dashboard.templating.list.map(({ query }) => query),
    ].join('\n');
    const asked = new Set(queries.match(/\bcancelable_\w+/g));
    const metrics = [...asked].filter((name) => labels.has(name));
    const used = [...asked].filter((name) => !labels.has(name));
    expect(metrics.sort()).toEqual([
      'cancelable_operation_active',
      'cancelable_operation_cancel_latency_seconds_bucket',
      'cancelable_operation_cancelations_total',
      'cancelable_operation_duration_seconds_bucket',
      'cancelable_operation_duration_seconds_count',
      'cancelable_operation_refused_total',
      'cancelable_operation_zombies',
    ]);
    // What is no metric of the scrape is a label, of each metric of its query.
    expect(used.sort()).toEqual([
      'cancelable_operation_name',
      'cancelable_operation_status',
      'cancelable_reason',
    ]);
    for (const query of queries.split('\n')) {
      const names = query.match(/\bcancelable_\w+/g) ?? [];
      for (const metric of names.filter((name) => labels.has(name))) {
        for (const label of names.filter((name) => !labels.has(name))) {
          expect([metric, [...labels.get(metric)!]]).toEqual([
            metric,
            expect.arrayContaining([label]),
          ]);
        }
      }
    }
    for (const { targets } of dashboard.panels) {
      for (const { expr, legendFormat } of targets) {
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          expect(expr).toContain(label);
        }
      }
    }
    gate.resolve();
    await registry.whenIdle();
  });
});

describe('prometheus()', () => {
  it('is on the global registry by default, and leaves with the application', async () => {
    const { app, registry } = await start();
    await registry.run('report', () => {});
    expect(await globalRegistry.metrics()).toContain(
      'cancelable_operation_duration_seconds_count{cancelable_operation_name="report",cancelable_operation_kind="task",cancelable_operation_status="completed"} 1',
    );
    await app.close();
    expect(await globalRegistry.metrics()).not.toContain('cancelable');
  });

  it('adds up the applications that share a registry', async () => {
    const register = new Registry();
    const [first, second] = [await start({ register }), await start({ register })];
    for (const { registry } of [first, second]) {
      registry.spawn('import', (operation) => operation.sleep('1h'));
    }
    const active =
      'cancelable_operation_active{cancelable_operation_name="import",cancelable_operation_kind="task"}';
    expect(await register.metrics()).toContain(`${active} 2`);
    await second.app.close();
    expect(await register.metrics()).toContain(`${active} 1`);
    await first.app.close();
    expect(await register.metrics()).toBe('\n');
  });

  it('has the prefix that is asked for, and no operation that is ignored', async () => {
    const register = new Registry();
    const { registry } = await start({
      register,
      prefix: 'app_',
      ignore: ({ name }) => name === 'quiet',
    });
    await registry.run('report', () => {});
    registry.spawn('import', (operation) => operation.sleep('1h'));
    const scrape = await registry.run('quiet', () => register.metrics());
    expect(scrape).toContain(
      'app_operation_duration_seconds_count{cancelable_operation_name="report"',
    );
    expect(scrape).toContain('app_operation_active{cancelable_operation_name="import"');
    expect(await register.metrics()).not.toContain('"quiet"');
    expect(scrape).not.toContain('cancelable_operation_active{');
  });

  it('is back on a registry that was cleared, and takes no metric of others away', async () => {
    const register = new Registry();
    const first = await start({ register });
    register.clear();
    const second = await start({ register });
    await second.registry.run('report', () => {});
    expect(await register.metrics()).toMatch(/duration_seconds_count\{.*"report".*\} 1$/m);
    register.clear();
    new Counter({
      name: 'cancelable_operation_refused_total',
      help: 'theirs',
      registers: [register],
    });
    await first.app.close();
    await second.app.close();
    expect(await register.metrics()).toContain('theirs');
  });

  it('has each prefix once on one registry, with buckets for what takes long, and a help', async () => {
    const register = new Registry();
    const { registry } = await startContext(
      {},
      { extensions: ['a_', 'b_'].map((prefix) => prometheus({ register, prefix })) },
    );
    const result = registry.run('report', (operation) => operation.sleep('1h'));
    registry.cancelAll({});
    await rejection(result);
    await registry.whenIdle();
    const scrape = await register.metrics();
    for (const prefix of ['a_', 'b_']) {
      expect(scrape).toMatch(new RegExp(`^${prefix}operation_cancelations_total\\{.*\\} 1$`, 'm'));
      expect(scrape).toMatch(new RegExp(`^${prefix}operation_duration_seconds_bucket.*"300"`, 'm'));
      expect(scrape).toMatch(
        new RegExp(`^${prefix}operation_cancel_latency_seconds_bucket.*"0.001"`, 'm'),
      );
      expect(scrape).toContain(
        `# HELP ${prefix}operation_refused_total Operations that were not begun`,
      );
    }
    expect(await register.metrics()).toBe(scrape);
  });

  it('goes on where an application is closed and serves again', async () => {
    const register = new Registry();
    const cancelable = { extensions: [prometheus({ register })] };
    for (let round = 0; round < 2; round++) {
      const { app, registry } = await startContext({}, cancelable);
      await registry.run('report', () => {});
      expect(await register.metrics()).toMatch(/duration_seconds_count\{.*"report".*\} 1$/m);
      await app.close();
      expect(await register.metrics()).toBe('\n');
    }
  });

  it('tells seconds, and how many were refused by applications that are gone', async () => {
    const register = new Registry();
    const options = { extensions: [prometheus({ register })], maxLive: 1 };
    const [first, second] = [await startContext({}, options), await startContext({}, options)];
    for (const { registry } of [first, second]) {
      const late = registry.run('slow', (operation) => operation.sleep('30ms'));
      await rejection(registry.run('one more', () => {}));
      await late;
    }
    await first.app.close();
    await register.metrics();
    const scrape = await register.metrics();
    expect(scrape).toMatch(/^cancelable_operation_refused_total 2$/m);
    const [, sum] = /duration_seconds_sum\{.*"slow".*\} (\S+)$/m.exec(scrape)!;
    // Two of 30 ms each.
    expect(Number(sum)).toBeGreaterThan(0.05);
    expect(Number(sum)).toBeLessThan(30);
  });

  it('does not count an application twice, and may be there for two registries', async () => {
    const [one, other] = [new Registry(), new Registry()];
    const twice = [prometheus({ register: one }), prometheus({ register: one })];
    await expect(startContext({}, { extensions: twice })).rejects.toThrow('prometheus() is there');
    expect(await one.metrics()).toBe('\n');
    const { registry } = await startContext(
      {},
      { extensions: [prometheus({ register: one }), prometheus({ register: other })] },
    );
    await registry.run('report', () => {});
    for (const register of [one, other]) {
      expect(await register.metrics()).toMatch(/duration_seconds_count\{.*"report".*\} 1$/m);
    }
  });

  it('does not start beside another metric of the same name, and leaves that alone', async () => {
    const register = new Registry();
    new Counter({
      name: 'cancelable_operation_refused_total',
      help: 'theirs',
      registers: [register],
    });
    await expect(start({ register })).rejects.toThrow('cancelable_operation_refused_total');
    expect(await register.metrics()).toContain('theirs');
    expect(await register.metrics()).not.toContain('cancelable_operation_active');
  });

  it.each<[unknown, string]>([
    [{ register: {} }, 'register'],
    [{ register: { metrics: () => '' } }, 'register'],
    [{ prefix: '1-' }, 'prefix'],
    [{ prefix: '1a' }, 'prefix'],
    [{ prefix: '' }, 'prefix'],
    [{ prefix: 'a'.repeat(101) }, 'prefix'],
    [{ ignore: 'GET /health' }, 'ignore'],
    [{ registry: new Registry() }, 'registry'],
  ])('refuses %p', (options, what) => {
    expect(() => prometheus(options as PrometheusOptions)).toThrow(what);
  });

  it('says what to install', async () => {
    expect(await runFixture(new URL('no-prom-client.fixture.ts', import.meta.url))).toEqual({
      message: 'prometheus() needs the package prom-client: npm install prom-client',
    });
  });
});
