import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { currentOperation } from 'nestjs-cancelable';
import { CancelableDashboardModule, type DashboardOptions } from 'nestjs-cancelable/dashboard';
import { hang } from '../cluster/instances.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { type Caller, NameGuard, startDashboard } from './dashboard-app.js';

const ROUTES = [
  '',
  '/assets/index.js',
  '/api/info',
  '/api/operations',
  '/api/operations/some',
  '/api/history',
  '/api/statistics',
  '/api/instances',
  '/api/feed',
];

const owner = (operation: { metadata: object }) => (operation.metadata as any).owner;
const name = (request: { user?: unknown }) => (request.user as { id: string }).id;

/** Ann and Bob see their own; Ann cancels hers, Bob none. */
const OWN: DashboardOptions = {
  guards: [NameGuard],
  canRead: (operation, request) => owner(operation) === name(request),
  canCancel: (_operation, request) => name(request) === 'ann',
};

describe('A dashboard that nobody has opened', () => {
  it('does not start', () => {
    expect(() => CancelableDashboardModule.forRoot({})).toThrow(
      'CancelableDashboardModule.forRoot(): nobody says who may see the operations. Give guards: ' +
        '[AuthGuard], or allowAnonymous: true where the port is reached by nobody else.',
    );
    expect(() => CancelableDashboardModule.forRoot({ allowAnonymous: false })).toThrow('nobody');
  });

  it.each<[object, string]>([
    [{ guards: [] }, 'guards: [] is not allowed. Allowed: a list of guards'],
    [{ guards: ['admin'] }, 'canActivate()'],
    [{ guards: [NameGuard], allowAnonymous: true }, 'contradict each other'],
    [{ allowAnonymous: 'yes' }, "allowAnonymous: 'yes' is not allowed"],
    [{ allowAnonymous: true, path: 'a b' }, "a path such as '/operations'"],
    [{ allowAnonymous: true, path: '/:id' }, "a path such as '/operations'"],
    [{ allowAnonymous: true, path: `/${'operations'.repeat(9)}!` }, "a path such as '/operations'"],
    [{ allowAnonymous: true, basePath: 'https://evil.example' }, 'a path such as'],
    [{ allowAnonymous: true, allowedHosts: false }, 'allowedHosts: false is not allowed'],
    [{ allowAnonymous: true, allowedHosts: 'ops.example' }, "allowedHosts: 'ops.example' is not"],
    [{ allowAnonymous: true, allowedHosts: ['https://ops.example'] }, 'without scheme and port'],
    [{ allowAnonymous: true, allowedHosts: ['ops.example:80'] }, 'without scheme and port'],
    [{ allowAnonymous: true, allowedHosts: [''] }, 'without scheme and port'],
    [{ allowAnonymous: true, canRead: true }, 'canRead: true is not allowed'],
    [{ allowAnonymous: true, canRead: async () => true }, 'is async'],
    [{ allowAnonymous: true, guard: [] }, "there is no option 'guard'"],
  ])('refuses %j', (options, message) => {
    expect(() => CancelableDashboardModule.forRoot(options as DashboardOptions)).toThrow(message);
  });
});

describe.each(adapters)('Who may use the dashboard on %s', (adapter) => {
  it('is nobody whom the guards refuse, on any route', async () => {
    const { caller, registry } = await startDashboard(adapter, { guards: [NameGuard] });
    const operation = registry.spawn('import', hang);

    for (const route of ROUTES) expect((await caller.get(route)).status).toBe(403);
    const one = await caller.post(`/api/operations/${operation.id}/cancel`, {});
    expect(one.status).toBe(403);
    const many = await caller.post('/api/cancelations', { filter: {}, confirmed: 9 });
    expect(many.status).toBe(403);
    expect(operation.status).toBe('running');
  });

  it('is asked of guards that inject what their modules export', async () => {
    @Injectable()
    class Names {
      readonly known = ['ann'];
    }
    @Module({ providers: [Names], exports: [Names] })
    class NamesModule {}
    @Injectable()
    class KnownGuard extends NameGuard {
      constructor(private readonly names: Names) {
        super();
      }
      override canActivate(context: any): boolean {
        const known: string = context.switchToHttp().getRequest().headers['x-name'];
        return super.canActivate(context) && this.names.known.includes(known);
      }
    }
    Reflect.defineMetadata('design:paramtypes', [Names], KnownGuard);
    const { as } = await startDashboard(adapter, { guards: [KnownGuard], imports: [NamesModule] });

    expect((await as('ann').get('/api/operations')).status).toBe(200);
    expect((await as('bob').get('/api/operations')).status).toBe(403);
  });

  it('is everybody with allowAnonymous, to look and not to cancel, and the log warns of it', async () => {
    const { caller, registry, log } = await startDashboard(adapter, { allowAnonymous: true });
    const operation = registry.spawn('import', hang);

    expect((await caller.get('/api/operations')).json().operations).toMatchObject([
      { name: 'import', cancelable: false },
    ]);
    expect((await caller.post(`/api/operations/${operation.id}/cancel`, {})).status).toBe(403);
    const counted = await caller.post('/api/cancelations', { filter: {} });
    expect(counted.json()).toEqual({ count: 0 });
    await caller.post('/api/cancelations', { filter: {}, confirmed: 9 });
    expect(operation.status).toBe('running');
    expect(log.find('warn', 'allowAnonymous')).toHaveLength(1);
    expect(log.find('log', 'anonymous was refused to cancel import')).toHaveLength(1);
  });

  it('sees and cancels its own, by lists, ids, counts, history and relatives', async () => {
    const { as, registry, next } = await startDashboard(adapter, OWN);
    const run = (of: string) =>
      registry.spawn({ name: `${of}-work`, metadata: { owner: of } }, hang);
    const ann = run('ann');
    const bob = run('bob');

    expect(await as('ann').names()).toEqual(['ann-work']);
    expect(await as('bob').names()).toEqual(['bob-work']);
    expect(await as('eve').names()).toEqual([]);
    expect((await as('ann').get('/api/operations')).json().total).toBe(1);
    expect((await as('ann').get(`/api/operations/${bob.id}`)).status).toBe(404);
    expect((await as('ann').post(`/api/operations/${bob.id}/cancel`, {})).status).toBe(404);
    expect((await as('bob').post(`/api/operations/${bob.id}/cancel`, {})).status).toBe(403);
    const all = { filter: {} };
    expect((await as('ann').post('/api/cancelations', all)).json()).toEqual({ count: 1 });
    expect((await as('bob').post('/api/cancelations', all)).json()).toEqual({ count: 0 });
    for (const route of ['/api/statistics', '/api/instances']) {
      expect((await as('ann').get(route)).status).toBe(403);
    }
    expect((await as('ann').get('/api/info')).json().statistics).toBe(false);

    const settled = next('settled');
    const done = await as('ann').post('/api/cancelations', { ...all, confirmed: 5 });
    expect(done.json()).toEqual({ count: 1 });
    expect(await settled).toMatchObject({ id: ann.id, requestedBy: 'ann' });
    expect(bob.status).toBe('running');
    expect((await as('ann').get('/api/history')).json().operations).toHaveLength(1);
    expect((await as('bob').get('/api/history')).json()).toEqual({ operations: [], total: 0 });
  });

  it('does not learn of relatives that it may not see', async () => {
    const { as, registry } = await startDashboard(adapter, OWN);
    const ids: string[] = [];
    registry.spawn({ name: 'mine', metadata: { owner: 'ann' } }, () =>
      registry.run({ name: 'theirs', metadata: { owner: 'bob' } }, () =>
        registry.run({ name: 'mine again', metadata: { owner: 'ann' } }, () => {
          ids.push(currentOperation().id);
          return hang();
        }),
      ),
    );
    const [id] = ids;
    const detail = (await as('ann').get(`/api/operations/${id}`)).json();
    expect(detail.ancestors).toEqual([]);
    expect(JSON.stringify(detail)).not.toContain('theirs');
  });

  it('is told by the feed of its own alone', async () => {
    const { as, registry } = await startDashboard(adapter, OWN);
    const ann = await as('ann').follow();
    const eve = await as('eve').follow();
    registry.spawn({ name: 'bobs', metadata: { owner: 'bob' } }, hang);
    registry.spawn({ name: 'anns', metadata: { owner: 'ann' } }, hang);

    await ann.until('anns');
    expect(ann.operations.map(({ name }: any) => name)).toEqual(['anns']);
    expect(eve.operations).toEqual([]);
  });

  it('sees what was left of an operation, and cannot search for what was taken away', async () => {
    const redact: DashboardOptions['redact'] = ({ metadata: _, partialResult: __, ...rest }) => ({
      ...rest,
      id: 'another',
      metadata: {},
    });
    const { caller, registry } = await startDashboard(adapter, { allowAnonymous: true, redact });
    const reader = await caller.follow();
    const { id } = registry.spawn({ name: 'import', metadata: { card: '4111' } }, () => {
      currentOperation().savePartial('secret');
      return hang();
    });

    await reader.until('import');
    const [live] = (await caller.get('/api/operations')).json().operations;
    const { operation } = (await caller.get(`/api/operations/${id}`)).json();
    for (const shown of [live, operation, reader.operations[0]]) {
      expect(shown).toMatchObject({ id, name: 'import', metadata: {} });
      expect(shown.partialResult).toBeUndefined();
    }
    expect(await caller.names('?text=4111')).toEqual([]);
    expect(await caller.names('?text=import')).toEqual(['import']);
  });

  it('sees nothing where a function of the application fails, or forgets to decide', async () => {
    const broken: DashboardOptions = {
      allowAnonymous: true,
      canRead: () => {
        throw new Error('no database');
      },
    };
    const promised = { allowAnonymous: true, canRead: () => Promise.resolve(true) } as never;
    const forgotten = { allowAnonymous: true, canRead: () => undefined } as never;
    for (const options of [broken, promised]) {
      const { caller, registry, log } = await startDashboard(adapter, options);
      const reader = await caller.follow();
      registry.spawn('import', hang);
      expect((await caller.get('/api/operations')).status).toBe(500);
      await reader.answer.end();
      expect(reader.answer.received).not.toContain('import');
      expect(log.find('error', "The dashboard's feed failed")).toHaveLength(1);
    }
    const { caller, registry } = await startDashboard(adapter, forgotten);
    registry.spawn('import', hang);
    expect(await caller.names()).toEqual([]);
  });

  it('is named in the log by what its authentication knows', async () => {
    const { as, registry, log } = await startDashboard(adapter, {
      guards: [NameGuard],
      who: (request) => `admin ${name(request)}\u202e\n`,
    });
    const { id } = registry.spawn('import', hang);
    await as('ann').post(`/api/operations/${id}/cancel`, {});
    expect(log.find('log', 'admin ann\\u202e\\n canceled import')).toHaveLength(1);
  });

  it('is decided by a factory', async () => {
    const { url, registry } = await startHttpApp(adapter, {
      imports: [
        CancelableDashboardModule.forRootAsync({
          path: 'work',
          useFactory: async () => ({ allowAnonymous: true, title: 'Made' }),
        }),
      ],
    });
    registry.spawn('import', hang);
    const answer = await fetch(`${url}/work/api/info`);
    expect(await answer.json()).toMatchObject({ title: 'Made' });
    await expect(
      startHttpApp(adapter, {
        imports: [CancelableDashboardModule.forRootAsync({ useFactory: () => ({}) })],
      }),
    ).rejects.toThrow('nobody says who may see the operations');
  });

  it.each([{ guards: [NameGuard] }, { path: '/work' }, { imports: [] }])(
    'is not decided too late: a factory makes no %j',
    async (made) => {
      const imports = [
        CancelableDashboardModule.forRootAsync({
          useFactory: () => ({ allowAnonymous: !('guards' in made), ...made }),
        }),
      ];
      const [key] = Object.keys(made);
      await expect(startHttpApp(adapter, { imports })).rejects.toThrow(
        `CancelableDashboardModule.forRootAsync(): ${key} comes too late from the factory`,
      );
    },
  );

  it('is decided for each of two dashboards', async () => {
    const { url, registry } = await startHttpApp(adapter, {
      imports: [
        CancelableDashboardModule.forRoot({ path: '/ours', guards: [NameGuard] }),
        CancelableDashboardModule.forRoot({ allowAnonymous: true, path: '/theirs', title: 'B' }),
      ],
    });
    registry.spawn('import', hang);
    expect((await fetch(`${url}/ours/api/info`)).status).toBe(403);
    const headers = { 'x-name': 'ann' };
    const ours = (await (await fetch(`${url}/ours/api/operations`, { headers })).json()) as any;
    const theirs = (await (await fetch(`${url}/theirs/api/operations`)).json()) as any;
    expect(ours.operations).toMatchObject([{ cancelable: true }]);
    expect(theirs.operations).toMatchObject([{ cancelable: false }]);
    expect(await (await fetch(`${url}/theirs/api/info`)).json()).toMatchObject({ title: 'B' });
  });
});

describe.each(adapters)('The name by which the dashboard on %s is asked for', (adapter) => {
  const OWN_NAMES = ['localhost', 'app.localhost:3000', '127.0.0.1:3000', '10.0.0.7', '[::1]:80'];
  const statusFor = async (caller: Caller, host: string, route = '/api/operations') =>
    (await caller.get(route, { host })).status;

  it('is that of this machine, not one that a page elsewhere turns into its address', async () => {
    const { caller, registry, log } = await startDashboard(adapter);
    const operation = registry.spawn('import', hang);
    for (const host of [...OWN_NAMES, 'LOCALHOST.', 'reports:3000']) {
      expect([host, await statusFor(caller, host)]).toEqual([host, 200]);
    }

    for (const host of [
      'evil.example:3000',
      'localhost.evil.example',
      'evillocalhost.example',
      '127.0.0.1.nip.io',
      'a b',
    ]) {
      for (const route of ROUTES) {
        expect([host, await statusFor(caller, host, route)]).toEqual([host, 403]);
      }
    }
    const headers = { host: 'evil.example', origin: 'http://evil.example' };
    const cancel = await caller.post(`/api/operations/${operation.id}/cancel`, {}, headers);
    expect(cancel.status).toBe(403);
    expect(operation.status).toBe('running');
    expect(log.find('warn', 'A request for the host evil.example:3000 was refused')).toHaveLength(
      1,
    );
    expect(log.find('warn', 'allowedHosts')).toHaveLength(1);
  });

  it('is one of those that are allowed', async () => {
    const allowedHosts = ['ops.example', '.Tools.example'];
    const { caller } = await startDashboard(adapter, { allowAnonymous: true, allowedHosts });
    const allowed = ['OPS.example:8080', 'tools.example', 'a.b.tools.example', ...OWN_NAMES];
    for (const host of allowed) expect([host, await statusFor(caller, host)]).toEqual([host, 200]);
    for (const host of ['a.ops.example', 'eviltools.example', 'a.example']) {
      expect([host, await statusFor(caller, host)]).toEqual([host, 403]);
    }
  });

  it('is any where all are allowed, or guards know who asks', async () => {
    const open = await startDashboard(adapter, { allowAnonymous: true, allowedHosts: true });
    expect(await statusFor(open.caller, 'any.example')).toBe(200);
    const guarded = await startDashboard(adapter, { guards: [NameGuard] });
    expect(await statusFor(guarded.as('ann'), 'any.example')).toBe(200);
    const both = await startDashboard(adapter, {
      guards: [NameGuard],
      allowedHosts: ['ops.example'],
    });
    expect(await statusFor(both.as('ann'), 'any.example')).toBe(403);
    expect(await statusFor(both.as('ann'), 'ops.example')).toBe(200);
    expect(await statusFor(both.caller, 'ops.example')).toBe(403);
  });
});

describe.each(adapters)('Requests that change something on %s', (adapter) => {
  it.each<[string, Record<string, string>, number]>([
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of a neighbouring site', { 'sec-fetch-site': 'same-site' }, 403],
    ['a link', { 'sec-fetch-site': 'none' }, 403],
    ['an old browser on another page', { origin: 'https://evil.example' }, 403],
    ['an old browser on a page without an origin', { origin: 'null' }, 403],
    ['a form', { 'content-type': 'text/plain' }, 415],
    ['the page itself', { 'sec-fetch-site': 'same-origin' }, 200],
    ['a program', {}, 200],
    ['JSON with a charset', { 'content-type': 'application/json; charset=utf-8' }, 200],
  ])('from %s', async (_from, headers, status) => {
    const { caller, registry } = await startDashboard(adapter);
    const operation = registry.spawn('import', hang);
    for (const [path, body] of [
      ['/api/cancelations', { filter: { name: 'none' }, confirmed: 1 }],
      [`/api/operations/${operation.id}/cancel`, {}],
    ] as const) {
      expect((await caller.post(path, body, headers)).status).toBe(status);
    }
    expect(operation.status === 'running').toBe(status !== 200);
  });

  it('from an old browser on the page itself', async () => {
    const { caller, registry, url } = await startDashboard(adapter);
    const { id } = registry.spawn('import', hang);
    const answer = await caller.post(`/api/operations/${id}/cancel`, {}, { origin: url });
    expect(answer.json()).toEqual({ canceled: true });
  });

  it('from whoever sends no JSON, or what is none', async () => {
    const { caller } = await startDashboard(adapter);
    expect((await caller.post('/api/cancelations', '{"filter":')).status).toBe(400);
    expect((await caller.post('/api/cancelations', '[]')).status).toBe(400);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await caller.post('/api/cancelations', 'filter=', form)).status).toBe(415);
  });
});
