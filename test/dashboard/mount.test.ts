import { pathToFileURL } from 'node:url';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  VersioningType,
} from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import compression from 'compression';
import helmet from 'helmet';
import { Cancelable, currentOperation } from 'nestjs-cancelable';
import { map } from 'rxjs';
import { PageFiles } from '../../lib/dashboard/page-files.js';
import { hang } from '../cluster/instances.js';
import { deferred } from '../support/deferred.js';
import { adapters, type HttpAppOptions } from '../support/http-app.js';
import { removeFolder } from '../support/remove-folder.js';
import { Caller, OPEN, startDashboard } from './dashboard-app.js';

const { folder } = PageFiles;
let built: string;

beforeAll(async () => {
  built = await mkdtemp(join(tmpdir(), 'page-'));
  await mkdir(join(built, 'assets'));
  const html =
    '<base href="%BASE%"><title>%TITLE%</title><script src="assets/index-1.js"></script>';
  await writeFile(join(built, 'index.html'), html);
  await writeFile(join(built, 'assets/index-1.js'), 'run();');
  await writeFile(join(built, 'assets/index-1.css'), 'body{}');
  await writeFile(join(built, 'assets/notes.txt'), 'not of the page');
  PageFiles.folder = pathToFileURL(`${built}/`);
});

afterAll(() => {
  PageFiles.folder = folder;
  removeFolder(built);
});

const baseOf = (html: string) => /<base href="([^"]*)">/.exec(html)?.[1];

describe.each(adapters)('The dashboard on %s', (adapter) => {
  const start = (options = OPEN, app: HttpAppOptions = {}, path?: string) =>
    startDashboard(adapter, options, app, path);

  it('serves its page, which is allowed nothing but its own files', async () => {
    const { caller } = await start({ ...OPEN, title: 'Work <b>"&' });
    const page = await caller.get('');
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
        "connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'",
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(page.text).toContain('<title>Work &lt;b&gt;&quot;&amp;</title>');
    expect(baseOf(page.text)).toBe('./operations/');

    const script = await caller.get('/assets/index-1.js');
    expect(script).toMatchObject({ status: 200, text: 'run();' });
    expect(script.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'private, max-age=31536000, immutable',
    });
    const style = await caller.get('/assets/index-1.css');
    expect(style.headers['content-type']).toBe('text/css; charset=utf-8');
  });

  it.each(['notes.txt', 'none.js', '..%2Findex.html', '..%2F..%2Fpackage.json', '%2Fetc%2Fpasswd'])(
    'serves no other file: %s',
    async (name) => {
      const { caller } = await start();
      expect([400, 404]).toContain((await caller.get(`/assets/${name}`)).status);
    },
  );

  it('finds itself behind a proxy', async () => {
    const { caller } = await start();
    const base = async (prefix: string) =>
      baseOf((await caller.get('', { 'x-forwarded-prefix': prefix })).text);
    expect(await base('/tools')).toBe('/tools/operations/');
    expect(await base('/a/b/')).toBe('/a/b/operations/');
    for (const hostile of [
      '//evil.example',
      'https://evil.example',
      '/a"><script>',
      '/a//b',
      'a',
    ]) {
      expect(await base(hostile)).toBe('./operations/');
    }
    const renamed = await start({ ...OPEN, basePath: '/tools/work' });
    expect(baseOf((await renamed.caller.get('')).text)).toBe('/tools/work/');
  });

  it('lives under a path of its own, a global prefix and versions', async () => {
    @Controller({ path: 'reports', version: '1' })
    class ReportsController {
      @Get()
      read() {
        return 'report';
      }
    }
    const app: HttpAppOptions = {
      controllers: [ReportsController],
      configure(created: INestApplication) {
        created.setGlobalPrefix('api');
        created.enableVersioning({ type: VersioningType.URI });
      },
    };
    const { caller, url, registry } = await start(
      { ...OPEN, path: '/admin/work' },
      app,
      '/api/admin/work',
    );
    registry.spawn('import', hang);
    expect(await caller.names()).toEqual(['import']);
    expect(baseOf((await caller.get('?a=b')).text)).toBe('./work/');
    expect((await new Caller(url).get('/api/v1/reports')).text).toBe('report');
  });

  it('is not wrapped by the interceptors of the application', async () => {
    const { caller } = await start(OPEN, {
      configure(app) {
        app.useGlobalInterceptors({
          intercept: (_context: ExecutionContext, next: CallHandler) =>
            next.handle().pipe(map((data: unknown) => ({ data }))),
        });
      },
    });
    expect((await caller.get('/api/operations')).json()).toEqual({ operations: [], total: 0 });
  });

  it('is no operation of its own, whatever the defaults', async () => {
    @Controller()
    class OtherController {
      @Get('other')
      @Cancelable()
      other() {
        return hang();
      }
    }
    const { caller, registry, statistics } = await start(OPEN, {
      controllers: [OtherController],
      cancelable: { defaultTimeout: '1h', request: () => ({ tags: ['seen'] }) },
    }).then((app) => ({ ...app, statistics: () => app.registry.statistics() }));
    const reader = await caller.follow();
    await reader.until('reset');
    await caller.get('/api/operations');
    await caller.get('');
    expect(statistics()).toMatchObject({ live: 0, byName: {} });
    expect(registry.history()).toEqual([]);
  });

  it('is served while the application drains, says so, and lets it close', async () => {
    const finish = deferred<void>();
    const { app, caller, registry, next } = await start(OPEN, {
      forceClose: false,
      cancelable: { shutdown: { grace: '1h', cleanup: '1s' } },
    });
    const reader = await caller.follow();
    registry.spawn('long', () => finish.promise);

    const closed = app.close();
    await reader.until('event: info');
    const info = reader.events.find(({ event }) => event === 'info');
    expect(info?.data).toMatchObject({ draining: true });
    expect(info?.data.graceLeft).toBeGreaterThan(3_500_000);
    expect(await caller.names()).toEqual(['long']);
    expect((await caller.get('/api/info')).json()).toMatchObject({ draining: true });
    const settled = next('settled');
    finish.resolve();
    await settled;
    expect(await reader.answer.end()).toEqual({ isCut: false });
    // The end of the last one comes together with that of the feed.
    expect(reader.operations.at(-1)).toMatchObject({ name: 'long', status: 'completed' });
    await closed;
  });

  it('is documented where @nestjs/swagger is installed', async () => {
    const { app } = await start();
    const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    expect(Object.keys(document.paths)).toEqual([
      '/operations/api/info',
      '/operations/api/operations',
      '/operations/api/history',
      '/operations/api/operations/{id}',
      '/operations/api/operations/{id}/cancel',
      '/operations/api/cancelations',
      '/operations/api/statistics',
      '/operations/api/instances',
      '/operations/api/feed',
    ]);
    const list = document.paths['/operations/api/operations']?.get;
    expect(list?.summary).toBe('The live operations that match');
    expect(list?.tags).toEqual(['operations']);
    expect(list?.parameters?.map((each: any) => each.name)).toEqual(
      expect.arrayContaining(['status', 'text', 'sort', 'limit', 'instances']),
    );
    const body: any = document.paths['/operations/api/cancelations']?.post?.requestBody;
    expect(Object.keys(body.content['application/json'].schema.properties)).toEqual([
      'filter',
      'confirmed',
      'message',
      'instances',
    ]);
  });
});

describe('The dashboard behind middleware on Express', () => {
  it('keeps its policy beside helmet, and its feed flows through compression and CORS', async () => {
    const { caller, registry } = await startDashboard('Express', OPEN, {
      configure(app) {
        app.enableCors({ origin: 'https://tools.example' });
        app.use(helmet());
        app.use(compression({ threshold: 0 }));
      },
    });
    const page = await caller.get('');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.headers['strict-transport-security']).toBeDefined();
    const reader = await caller.follow();
    expect(reader.answer.response.headers['access-control-allow-origin']).toBe(
      'https://tools.example',
    );
    expect(reader.answer.response.headers['content-encoding']).toBeUndefined();
    registry.spawn('import', () => {
      currentOperation().reportProgress('begun');
      return hang();
    });
    await reader.until('begun');
    const list = await caller.get('/api/operations', { 'accept-encoding': 'gzip' });
    expect(list.headers['content-encoding']).toBe('gzip');
  });
});

describe('The dashboard behind hooks on Fastify', () => {
  it('sends the headers of the application with its feed', async () => {
    const { caller } = await startDashboard('Fastify', OPEN, {
      configure(app) {
        app.enableCors({ origin: 'https://tools.example' });
      },
    });
    const reader = await caller.follow();
    expect(reader.answer.response.headers['access-control-allow-origin']).toBe(
      'https://tools.example',
    );
  });
});
