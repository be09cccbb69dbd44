import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cancelable, CancelableModule, currentToken, OperationRegistry } from 'nestjs-cancelable';
import { decorateMethod, heapUsed, round, verdict } from './support.mjs';

const REQUESTS = 100_000;
const BATCH = 200;

/** Clients that leave, again and again, and handlers that stop when told. */
export const aborted = {
  name: 'aborted',
  title: `Retained after ${REQUESTS.toLocaleString('en')} aborted requests (Fastify)`,
  variants: ['module, @Cancelable handler'],
  async measure() {
    class BenchController {
      get() {
        const { signal } = currentToken();
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
      }
    }
    decorateMethod(BenchController, 'get', Get(), Cancelable('10m'));
    Controller('bench')(BenchController);
    class AppModule {}
    const imports = [CancelableModule.forRoot({ history: { limit: 0 } })];
    Module({ imports, controllers: [BenchController] })(AppModule);
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address();
    const registry = app.get(OperationRegistry);
    await abortMany(registry, port, 10_000);
    const before = heapUsed();
    await abortMany(registry, port, REQUESTS);
    const bytes = (heapUsed() - before) / REQUESTS;
    assert.equal(registry.list().length, 0, 'nothing is live');
    assert.equal(registry.statistics().byReason.disconnect, REQUESTS + 10_000);
    await app.close();
    return { bytes };
  },
  report(medians) {
    return Object.entries(medians).map(([variant, { bytes }]) => ({
      variant,
      'bytes/request': round(bytes, 1),
      limit: '100 B, aim 0 B',
      met: verdict(bytes, 100, 1),
    }));
  },
};

async function abortMany(registry, port, total) {
  const goal = (registry.statistics().byReason.disconnect ?? 0) + total;
  for (let sent = 0; sent < total; sent += BATCH) {
    const sockets = Array.from({ length: BATCH }, () => connect(port, '127.0.0.1'));
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.write('GET /bench HTTP/1.1\r\nHost: localhost\r\n\r\n');
    }
    await until(() => registry.list().length === BATCH);
    for (const socket of sockets) socket.destroy();
    await until(() => registry.statistics().live === 0);
  }
  await until(() => registry.statistics().byReason.disconnect === goal);
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
