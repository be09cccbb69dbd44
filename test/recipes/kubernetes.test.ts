import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { duration } from 'nestjs-cancelable';
import { parse } from 'yaml';
import { type Adapter, adapters } from '../support/http-app.js';
import { get } from '../support/http-client.js';
import { PastedPage } from '../support/pasted-page.js';

const PAGE = 'docs/recipes/kubernetes.md';

describe('the recipe for Kubernetes', () => {
  it('the manifest fits the options and the probes', async () => {
    const page = await PastedPage.of(PAGE);
    const deployment = parse(page.text('deployment.yaml'), { strict: true });
    expect(deployment).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment' });
    const { selector, template } = deployment.spec;
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    const [container] = template.spec.containers;

    const seconds = new Map<string, number>(
      container.env.map(({ name, value }: any) => [name, duration(value) / 1_000]),
    );
    const names = [...page.text('app.module.ts').matchAll(/process\.env\.(\w+)/g)];
    expect(names.map(([, name]) => name)).toEqual([...seconds.keys()]);
    const all = [...seconds.values()].reduce((sum, each) => sum + each);
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(all);
    const { periodSeconds, timeoutSeconds, failureThreshold } = container.readinessProbe;
    const noticed = periodSeconds * failureThreshold + timeoutSeconds;
    expect(seconds.get('SHUTDOWN_DELAY')).toBeGreaterThanOrEqual(2 * noticed);

    expect(container.ports).toEqual([{ name: 'http', containerPort: 3000 }]);
    for (const { httpGet } of [container.readinessProbe, container.livenessProbe]) {
      const route = /^\/health\/(\w+)$/.exec(httpGet.path)?.[1];
      expect(httpGet.port).toBe('http');
      expect(page.text('app.module.ts')).toContain(`@Get('${route}')`);
    }
  });
});

describe.each(adapters)('an application as the recipe for Kubernetes has it, on %s', (adapter) => {
  const children: ChildProcess[] = [];

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  const onPort = (code: string) =>
    code.replace(
      /await app\.listen\(.*\);/,
      `await app.listen(0);\n  process.send!(await app.getUrl());`,
    );
  const withAdapter = (code: string, name: Adapter) =>
    name === 'Express'
      ? code
      : code
          .replace('create(AppModule)', 'create(AppModule, new FastifyAdapter())')
          .replace(
            /^import/m,
            "import { FastifyAdapter } from '@nestjs/platform-fastify';\nimport",
          );

  async function start(env: Record<string, string>) {
    const page = await PastedPage.of(PAGE, (code, file) =>
      file === 'main.ts' ? withAdapter(onPort(code), adapter) : code,
    );
    const child = spawn(
      process.execPath,
      ['--import', './test/support/typescript.mjs', page.path('main.ts')],
      {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: { ...process.env, SHUTDOWN_GRACE: '30s', ...env },
      },
    );
    children.push(child);
    const exited = once(child, 'exit');
    const [address] = (await once(child, 'message')) as [string];
    const url = `http://localhost:${new URL(address).port}`;
    const until = async (path: string, status: number) => {
      while ((await get(url + path)).status !== status);
    };
    return { child, exited, url, until };
  }

  it('is unready at once, and serves until the delay is over', async () => {
    const { child, url, until } = await start({ SHUTDOWN_DELAY: '1m' });
    await until('/health/ready', 200);
    child.kill('SIGTERM');
    await until('/health/ready', 503);
    expect((await get(`${url}/reports/Paris`)).json()).toEqual({ city: 'Paris' });
    expect((await get(`${url}/health/live`)).status).toBe(200);
  });

  it('refuses what is new, finishes what runs, and ends with exit code 0', async () => {
    const { child, exited, url, until } = await start({ SHUTDOWN_DELAY: '1ms' });
    await until('/health/ready', 200);
    const report = get(`${url}/reports/Paris`);
    await until('/reports', 200); // the report has arrived before
    child.kill('SIGTERM');
    await until('/reports', 503);
    expect((await get(`${url}/health/live`)).status).toBe(200);
    expect((await report).json()).toEqual({ city: 'Paris' });
    expect(await exited).toEqual([0, null]);
  });
});
