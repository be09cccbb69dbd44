// One process with several copies of the package: the ES modules, the CommonJS build, a second
// installation as in a monorepo, and one of another version. All of one version are one; the other
// version keeps to itself, and says so.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Controller, Delete, Get, Inject, Injectable, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const require = createRequire(import.meta.url);
const installed = 'node_modules/nestjs-cancelable';
const load = (folder) => import(new URL(`${folder}/dist/index.js`, import.meta.url));

async function installAgain(folder, version) {
  const target = `${folder}/${installed}`;
  await cp(installed, target, { recursive: true });
  const helper = `${target}/dist/shared-modules.js`;
  if (version !== undefined) {
    const code = await readFile(helper, 'utf8');
    await writeFile(
      helper,
      code.replace(/const version = '[^']*'/, `const version = '${version}'`),
    );
  }
  return target;
}

const esm = await import('nestjs-cancelable');
const cjs = require(`./${installed}/dist/cjs/index.js`);
const second = await load(await installAgain('second'));
const thread = require(`./${await installAgain('third')}/dist/cjs/worker/index.js`);
for (const copy of [cjs, second]) {
  assert.notEqual(copy, esm);
  for (const [name, value] of Object.entries(esm)) assert.equal(copy[name], value, name);
}

await writeFile(
  'work.mjs',
  'export default () => new Promise((done) => setTimeout(done, 60_000));',
);

const entered = new EventEmitter();

class ReportsService {
  async build(token) {
    entered.emit('build', second.currentOperation(), token);
    await thread.runInThread(new URL('work.mjs', import.meta.url));
  }
}
method(ReportsService, 'build', [cjs.Cancelable('1m')], [cjs.CancelToken()]);
Injectable()(ReportsService);

class ReportsController {
  constructor(reports, operations) {
    this.reports = reports;
    this.operations = operations;
  }
  read() {
    return this.reports.build();
  }
  stop(id) {
    return { canceled: this.operations.cancel(id, { message: 'stopped by another copy' }) };
  }
}
method(ReportsController, 'read', [Get(), esm.Cancelable('1m')]);
method(ReportsController, 'stop', [Delete(':id')], [Param('id')]);
Inject(ReportsService)(ReportsController, undefined, 0);
Inject(second.OperationRegistry)(ReportsController, undefined, 1);
Controller('reports')(ReportsController);

class AppModule {}
Module({
  imports: [esm.CancelableModule.forRoot()],
  controllers: [ReportsController],
  providers: [ReportsService],
})(AppModule);

function method(type, key, decorators, parameters = []) {
  const { prototype } = type;
  parameters.forEach((decorator, index) => decorator(prototype, key, index));
  const own = Object.getOwnPropertyDescriptor(prototype, key);
  Object.defineProperty(prototype, key, Reflect.decorate(decorators, prototype, key, own));
}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const url = `${await app.getUrl()}/reports`;
const begun = once(entered, 'build');
const answer = fetch(url);
const [operation, token] = await begun;
assert.equal(operation.name, 'ReportsService.build');
assert.equal(operation.parent.name, 'GET /reports');
const stop = await fetch(`${url}/${operation.parent.id}`, { method: 'DELETE' });
assert.deepEqual(await stop.json(), { canceled: true });
const { error } = token;
assert.ok(error instanceof second.ParentCancelation);
assert.equal(cjs.rootCause(error).message, 'stopped by another copy');
assert.equal((await answer).status, 503);
await app.get(cjs.OperationRegistry).whenIdle();

const warning = once(process, 'warning');
const other = await load(await installAgain('other', '99.0.0'));
assert.match(String((await warning)[0]), /loaded more than once, as [\d.]+ and 99\.0\.0/);
assert.notEqual(other.OperationRegistry, esm.OperationRegistry);
new esm.OperationRegistry().run('ours', () => {
  assert.equal(other.tryCurrentOperation(), undefined);
});
assert.ok(other.isCancelation(error));
await app.close();
console.log('canceled across copies');
