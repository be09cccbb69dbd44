// An application in plain CommonJS: a client leaves, and the handler behind the request stops. Then
// the application closes: it drains before its modules do.
'use strict';

require('reflect-metadata');
const assert = require('node:assert/strict');
const { get } = require('node:http');
const { setTimeout: delay } = require('node:timers/promises');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { __decorate, __metadata, __param } = require('tslib');
const {
  Cancelable,
  CancelableModule,
  CancelationToken,
  CancelToken,
  isCancelation,
  OperationRegistry,
} = require('nestjs-cancelable');
const { CancelableDashboardModule } = require('nestjs-cancelable/dashboard');

let entered;
const nextEntry = () =>
  new Promise((resolve) => {
    entered = resolve;
  });
let stoppedBy;
const order = [];

class ReportsController {
  async build(token) {
    entered();
    try {
      await token.sleep('1m');
      return 'done';
    } catch (error) {
      stoppedBy = error;
      order.push(`stopped: ${error.reason}`);
      throw error;
    }
  }
}
__decorate(
  [
    Get(),
    Cancelable('10s'),
    __param(0, CancelToken()),
    __metadata('design:type', Function),
    __metadata('design:paramtypes', [CancelationToken]),
    __metadata('design:returntype', Promise),
  ],
  ReportsController.prototype,
  'build',
  null,
);
__decorate([Controller('reports')], ReportsController);

class AppModule {
  onModuleDestroy() {
    order.push('module closed');
  }
}
__decorate(
  [
    Module({
      imports: [
        CancelableModule.forRoot({ shutdown: { grace: '50ms' } }),
        CancelableDashboardModule.forRoot({ allowAnonymous: true }),
      ],
      controllers: [ReportsController],
    }),
  ],
  AppModule,
);

async function main() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address();

  const handlerEntered = nextEntry();
  const request = get({ host: '127.0.0.1', port, path: '/reports' });
  const closed = new Promise((resolve) => request.once('close', resolve));
  request.on('error', () => {}); // the reset that this client itself causes
  await handlerEntered;
  request.destroy();
  await closed;

  const registry = app.get(OperationRegistry);
  for (const end = Date.now() + 5_000; registry.history().length === 0 && Date.now() < end;) {
    await delay(5);
  }
  assert.deepEqual(
    registry.history().map(({ name, kind, status, reason }) => ({ name, kind, status, reason })),
    [{ name: 'GET /reports', kind: 'http', status: 'canceled', reason: 'disconnect' }],
  );
  assert.ok(isCancelation(stoppedBy), 'the handler saw no cancelation');

  // The page and its files are in the package.
  const dashboard = `http://127.0.0.1:${port}/operations`;
  const page = await (await fetch(dashboard)).text();
  const [, asset] = /src="([^"]+\.js)"/.exec(page);
  assert.equal((await fetch(new URL(asset, `${dashboard}/`))).status, 200);

  const enteredAgain = nextEntry();
  const status = new Promise((resolve, reject) => {
    const next = get({ host: '127.0.0.1', port, path: '/reports' }, (response) => {
      response.resume();
      resolve([response.statusCode, response.headers.connection, response.headers['retry-after']]);
    });
    next.once('error', reject);
  });
  await enteredAgain;
  await app.close();
  assert.deepEqual(await status, [503, 'close', '10']);
  assert.deepEqual(order, ['stopped: disconnect', 'stopped: shutdown', 'module closed']);
  console.log('canceled by a disconnect, drained by a shutdown');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
