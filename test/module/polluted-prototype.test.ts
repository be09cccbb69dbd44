import { EventEmitter } from 'node:events';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Cancelable,
  CancelableModule,
  CancelationToken,
  currentOperation,
  isCancelation,
  onCondition,
  onEvent,
  OperationRegistry,
} from 'nestjs-cancelable';
import { RecordingToken } from 'nestjs-cancelable/testing';

/** What a vulnerable merge of some other package may have left on every object. */
const POLLUTION: readonly (readonly [string, unknown])[] = [
  ['timeout', 1],
  ['deadline', new Date(0)],
  ['name', 'polluted'],
  ['kind', 'job'],
  ['id', 'polluted'],
  ['tags', ['polluted']],
  ['tag', 'polluted'],
  ['metadata', { polluted: true }],
  ['settle', 'wait'],
  ['detached', true],
  ['onShutdown', 'ignore'],
  ['onDisconnect', 'ignore'],
  ['stall', 1],
  ['exclusive', { onConflict: 'reject' }],
  ['key', 'polluted'],
  ['onConflict', 'cancel-previous'],
  ['on', { start: () => undefined }],
  ['start', () => 'polluted'],
  ['progress', () => 'polluted'],
  ['cancel', () => 'polluted'],
  ['settled', () => 'polluted'],
  ['policy', 'polluted'],
  ['sources', ['1ms']],
  ['reason', 'shutdown'],
  ['message', 'polluted'],
  ['cause', new Error('polluted')],
  ['errors', [new Error('polluted')]],
  ['code', 'ABORT_ERR'],
  ['requestedBy', 'polluted'],
  ['limit', 0],
  ['where', () => false],
  ['since', new Date(8.64e15)],
  ['olderThan', '1y'],
  ['status', 'failed'],
  ['parentId', 'polluted'],
  ['rootId', 'polluted'],
  ['owner', 'ada'],
  ['view', 'full'],
  ['heartbeat', 1],
  ['buffer', 0],
  ['reportEvery', 1],
  ['chunk', 2],
  ['every', 1],
  ['maxErrors', 1],
  ['current', 1],
  ['total', 2],
  ['percent', 3],
  ['history', { limit: 0 }],
  ['zombies', { after: 1 }],
  ['after', 1],
  ['maxLive', 1],
  ['maxChildren', 1],
  ['maxTimeout', 1],
  ['defaultTimeout', 1],
  ['policies', { slow: { timeout: 1 } }],
  ['request', () => ({ id: 'polluted' })],
  ['http', { idHeader: 'x-polluted' }],
  ['idHeader', 'x-polluted'],
  ['statusCodes', { timeout: 418 }],
  ['disconnect', 418],
  ['streams', { patience: 1 }],
  ['shutdown', { grace: 1 }],
  ['delay', 1],
  ['grace', 0],
  ['cleanup', 0],
  ['extensions', [{ name: 'polluted', install: () => Promise.reject(new Error('polluted')) }]],
  ['inject', ['polluted']],
  ['operationId', 'polluted'],
  ['operationName', 'polluted'],
  ['partialResult', 'polluted'],
  ['canceledAt', 0],
  ['subject', { id: 'polluted' }],
  ['stack', 'polluted'],
  ['count', 7],
];

const globals = Object.prototype as unknown as Record<string, unknown>;

function pollute(key: string, value: unknown): void {
  Object.defineProperty(globals, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function clean(): void {
  for (const [key] of POLLUTION) delete globals[key];
}

afterEach(clean);

/** Everything about an operation that does not depend on the clock or on chance. */
function facts(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, part: unknown) =>
      /^(?:id|rootId|parentId|at|.*At|durationMs|deadline|stack|rate|remaining|requestedFrom|requestedBy|operationId)$/.test(
        key,
      ) && part !== 'polluted'
        ? typeof part
        : part,
    ),
  );
}

async function outcome(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (!isCancelation(error)) return (error as Error).message;
    const { reason, message } = error;
    return { reason, message, isRequested: Object.hasOwn(error, 'requestedBy') };
  }
}

@Injectable()
class Service {
  @Cancelable({ tags: ['slow'] })
  async render(city: string, operation = currentOperation()) {
    const seen: unknown[] = [];
    for await (const item of operation.stream([1, 2, 3])) seen.push(item);
    await operation.sleep(5);
    return [city, seen, operation.metadata, operation.tags];
  }

  @Cancelable({ exclusive: { onConflict: 'skip' }, on: { complete: () => undefined } })
  async once(wait: Promise<unknown>) {
    await wait;
    return 'done';
  }

  @Cancelable('1h')
  async fails(): Promise<unknown> {
    throw new Error('broken');
  }
}

/** Much of what can be done, by code that says nothing it does not mean. */
async function everything(service: Service, registry: OperationRegistry): Promise<unknown> {
  const results: unknown[] = [];
  const add = async (work: () => unknown) => results.push(await outcome(work));
  await add(() => service.render('Paris'));
  await add(() => service.fails());
  await add(() => Promise.all([service.once(Promise.resolve()), service.once(Promise.resolve())]));
  await add(() => registry.run('named', (operation) => operation.sleep(5)));
  await add(() => registry.run({ name: 'options' }, (operation) => operation.sleep(5)));
  await add(() => registry.run({ name: 'own', id: 'own' }, (operation) => operation.sleep(5)));
  await add(() =>
    registry.run({ name: 'parts', metadata: { part: 1 } }, async (operation) => {
      operation.reportProgress({ message: 'half' });
      operation.savePartial({ half: true });
      await operation.shield(() => new Promise((resolve) => setTimeout(resolve, 5)), {});
      await operation.wrap(() => new Promise((resolve) => setTimeout(resolve, 5)), {})();
      return [Object.keys(operation.progress ?? {}), Object.keys(operation.toJSON())];
    }),
  );
  await add(() =>
    registry.run({ name: 'canceled' }, (operation) => {
      operation.cancel({});
      return operation.sleep('1h');
    }),
  );
  await add(() =>
    registry.run({ name: 'sourced', sources: [onCondition(() => false, {})] }, (operation) =>
      operation.sleep(5),
    ),
  );
  await add(() => {
    const emitter = new EventEmitter();
    const source = onEvent(emitter, 'stop');
    return registry.run({ name: 'event', sources: [source] }, (operation) => {
      emitter.emit('stop', {});
      return operation.sleep('1h');
    });
  });
  await add(async () => {
    const waiting = registry.spawn({ name: 'spawned' }, ({ token }) => token.whenCanceled());
    const found = [
      registry.list({}).length,
      registry.list({ name: 'spawned' }).length,
      registry.list({ metadata: { owner: 'ada' } }).length,
      registry.scoped({ name: 'spawned' }).list().length,
      registry.find(waiting.id, {})?.status,
      registry.cancelAll({ name: 'spawned' }, {}),
    ];
    await registry.whenIdle();
    return [found, registry.history({ name: 'spawned' }).length, waiting.cancelation?.reason];
  });
  await add(async () => {
    const handle = registry.start({ name: 'handle' });
    await handle.run((operation) => operation.sleep(5));
    return handle.complete();
  });
  await add(() => {
    const token = new RecordingToken();
    token.cancel({});
    return [token.reason, token.error?.message, CancelationToken.any(token).error?.message];
  });
  await registry.whenIdle();
  results.push(facts(registry.history()), registry.statistics().byReason);
  const remembered = registry.history().map(({ id }) => {
    let message: unknown;
    registry.watch(id, {}).subscribe((each) => (message = each));
    return message;
  });
  results.push(facts(remembered));
  return results;
}

async function inAnApplication(): Promise<unknown> {
  @Module({
    imports: [CancelableModule.forRoot({ policies: { slow: {} } })],
    providers: [Service],
  })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const result = await everything(app.get(Service), app.get(OperationRegistry));
  await app.close();
  return result;
}

/** What Nest itself reads from every object, when an application starts. */
const NEST_READS = ['name', 'metadata', 'inject'];

describe('a polluted Object.prototype changes nothing', () => {
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value ?? null)) as unknown;

  async function withPollution(work: () => unknown, key: string, value: unknown) {
    pollute(key, value);
    try {
      return plain(await work());
    } finally {
      clean();
    }
  }

  const alone = () => everything(new Service(), new OperationRegistry({}));
  let clearAlone: unknown;
  let clearApplication: unknown;
  beforeAll(async () => {
    clearAlone = plain(await alone());
    clearApplication = plain(await inAnApplication());
  });

  it.each(POLLUTION.filter(([key]) => NEST_READS.includes(key)))('%s', async (key, value) => {
    expect(await withPollution(alone, key, value)).toEqual(clearAlone);
  });

  it.each(POLLUTION.filter(([key]) => !NEST_READS.includes(key)))(
    'in an application: %s',
    async (key, value) => {
      expect(await withPollution(inAnApplication, key, value)).toEqual(clearApplication);
    },
  );
});
