import { fork } from 'node:child_process';
import { once } from 'node:events';
import { AsyncLocalStorage } from 'node:async_hooks';
import { fileURLToPath } from 'node:url';
import { Controller, Get, Module, RequestTimeoutException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cancelable, CancelableModule } from 'nestjs-cancelable';
import { catchError, throwError, timeout, TimeoutError } from 'rxjs';
import { decorateMethod, round, verdict } from './support.mjs';

const isNode24 = Number(process.versions.node.split('.')[0]) >= 24;
const WARM_UP = 5_000;
const REQUESTS = 20_000;

const adapters = {
  fastify: async () => new (await import('@nestjs/platform-fastify')).FastifyAdapter(),
  express: async () => new (await import('@nestjs/platform-express')).ExpressAdapter(),
};

const DOCUMENTED = "the TimeoutInterceptor of Nest's documentation";

/** https://docs.nestjs.com/interceptors, with 30 s. */
const timeoutInterceptor = {
  intercept: (_, next) =>
    next.handle().pipe(
      timeout(30_000),
      catchError((error) =>
        throwError(() => (error instanceof TimeoutError ? new RequestTimeoutException() : error)),
      ),
    ),
};

/** What stands around the same handler. */
const setups = {
  bare: {},
  'no-op interceptor': { interceptors: () => [{ intercept: (_, next) => next.handle() }] },
  'interceptor that enters a storage': {
    interceptors: () => {
      const storage = new AsyncLocalStorage();
      return [{ intercept: (_, next) => storage.run({}, () => next.handle()) }];
    },
  },
  [DOCUMENTED]: { interceptors: () => [timeoutInterceptor] },
  'the same in a request context': {
    interceptors: () => {
      const storage = new AsyncLocalStorage();
      const context = { intercept: (_, next) => storage.run({}, () => next.handle()) };
      return [context, timeoutInterceptor];
    },
  },
  'module, undecorated handler': { imports: () => [CancelableModule.forRoot()] },
  'module, @Cancelable handler': {
    imports: () => [CancelableModule.forRoot()],
    decorators: () => [Cancelable('30s')],
  },
};

export const http = {
  name: 'http',
  title: 'CPU of one request (user and system time of the server process)',
  variants: Object.keys(adapters).flatMap((adapter) =>
    Object.keys(setups).map((setup) => `${adapter}: ${setup}`),
  ),
  async measure(variant) {
    const [adapter, name] = variant.split(': ');
    const setup = setups[name];
    class BenchController {
      async get() {
        return { ok: 1 };
      }
    }
    decorateMethod(BenchController, 'get', Get(), ...(setup.decorators?.() ?? []));
    Controller('bench')(BenchController);
    class AppModule {}
    Module({ imports: setup.imports?.() ?? [], controllers: [BenchController] })(AppModule);
    const app = await NestFactory.create(AppModule, await adapters[adapter](), { logger: false });
    app.useGlobalInterceptors(...(setup.interceptors?.() ?? []));
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address();
    await load(port, WARM_UP);
    const samples = [];
    for (let run = 0; run < 3; run++) {
      const before = process.cpuUsage();
      await load(port, REQUESTS);
      const { user, system } = process.cpuUsage(before);
      samples.push((user + system) / REQUESTS);
    }
    await app.close();
    return { microseconds: samples.sort((a, b) => a - b)[1] };
  },
  report(medians) {
    return Object.entries(medians).map(([variant, { microseconds }]) => {
      const [adapter, name] = variant.split(': ');
      const storage = medians[`${adapter}: interceptor that enters a storage`].microseconds;
      const above = microseconds - storage;
      const documented = microseconds / medians[`${adapter}: ${DOCUMENTED}`].microseconds;
      const row = {
        variant,
        'µs/request': round(microseconds, 1),
        'of the documented': round(documented),
        'above a storage': `${round(above, 1)} µs (${round((above / storage) * 100, 0)} %)`,
        limit: '',
        met: '',
      };
      if (adapter !== 'fastify') return row;
      if (name === 'module, undecorated handler') {
        row.limit = '10 %, aim 2 %';
        row.met = verdict((above / storage) * 100, 10, 2);
      } else if (name === 'module, @Cancelable handler') {
        row.limit = isNode24 ? '1.1 of the documented, aim 1' : '6 µs, aim 2.5 µs';
        row.met = isNode24 ? verdict(documented, 1.1, 1) : verdict(above, 6, 2.5);
      }
      return row;
    });
  },
};

/** The client is a process of its own, so that its CPU does not count. */
async function load(port, requests) {
  const script = fileURLToPath(new URL('../client.mjs', import.meta.url));
  const client = fork(script, [String(port), String(requests)]);
  const [code] = await once(client, 'exit');
  if (code !== 0) throw new Error(`the client ended with code ${code}`);
}
