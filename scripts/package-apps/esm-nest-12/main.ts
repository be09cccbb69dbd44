// An application as a user writes it: a client leaves, and the handler behind the request stops.
import assert from 'node:assert/strict';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Cancelable,
  CancelableModule,
  CancelationToken,
  CancelToken,
  isCancelation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { CancelableDashboardModule } from 'nestjs-cancelable/dashboard';

let entered = (): void => {};
const handlerEntered = new Promise<void>((resolve) => {
  entered = resolve;
});
let stoppedBy: unknown;

@Controller('reports')
class ReportsController {
  @Get()
  @Cancelable('10s')
  async build(@CancelToken() token: CancelationToken): Promise<string> {
    entered();
    try {
      await token.sleep('1m');
      return 'done';
    } catch (error) {
      stoppedBy = error;
      throw error;
    }
  }
}

@Module({
  imports: [
    CancelableModule.forRoot(),
    CancelableDashboardModule.forRoot({ allowAnonymous: true }),
  ],
  controllers: [ReportsController],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address() as AddressInfo;

const request = get({ host: '127.0.0.1', port, path: '/reports' });
const closed = new Promise<void>((resolve) => request.once('close', resolve));
request.on('error', () => {}); // the reset that this client itself causes
await handlerEntered;
request.destroy();
await closed;

const registry = app.get(OperationRegistry);
for (const end = Date.now() + 5_000; registry.history().length === 0 && Date.now() < end;) {
  await delay(5);
}
const history = registry.history();
assert.deepEqual(
  history.map(({ name, kind, status, reason }) => ({ name, kind, status, reason })),
  [{ name: 'GET /reports', kind: 'http', status: 'canceled', reason: 'disconnect' }],
);
assert.ok(isCancelation(stoppedBy), 'the handler saw no cancelation');

// The page and its files are in the package.
const dashboard = `http://127.0.0.1:${port}/operations`;
const page = await (await fetch(dashboard)).text();
const asset = /src="([^"]+\.js)"/.exec(page)?.[1] ?? '';
assert.equal((await fetch(new URL(asset, `${dashboard}/`))).status, 200);

await app.close();
console.log('canceled by a disconnect');
