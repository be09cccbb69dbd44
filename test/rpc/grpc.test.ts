import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller } from '@nestjs/common';
import {
  GrpcMethod,
  GrpcStreamCall,
  GrpcStreamMethod,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { Cancelable, currentOperation, type Operation } from 'nestjs-cancelable';
import { concat, map, mergeMap, NEVER, type Observable, toArray } from 'rxjs';
import { type Deferred, deferred } from '../support/deferred.js';
import { freePort } from '../support/servers.js';
import { type Service, startService } from './support.js';
import { closeAfterTest } from '../support/close-after-test.js';

interface City {
  readonly name: string;
}

let entered: Deferred<Operation>;
let exit: Deferred<unknown>;

beforeEach(() => {
  entered = deferred();
  exit = deferred();
});

async function wait(operation = currentOperation()): Promise<never> {
  entered.resolve(operation);
  try {
    await operation.sleep('1h');
  } finally {
    exit.resolve(operation.cancelation?.reason);
  }
  throw new Error('woke up');
}

@Controller()
class Reports {
  @GrpcMethod('Reports')
  @Cancelable('1h')
  async build({ name }: City) {
    if (name === 'error') throw new RpcException({ code: 9, message: 'my own' });
    if (name !== 'wait') return { text: `${name}: ${currentOperation().name}` };
    return wait();
  }

  @Cancelable(200)
  @GrpcMethod('Reports')
  async late() {
    return wait();
  }

  @GrpcMethod('Reports')
  @Cancelable('1h')
  async *rows({ name }: City) {
    yield { text: `${name} 1` };
    yield { text: `${name} 2` };
    if (name === 'wait') await wait();
  }

  @GrpcStreamMethod('Reports')
  @Cancelable('1h')
  collect(cities: Observable<City>): Observable<{ text: string }> {
    // Operators run in the context of whoever emits: what they need is taken along.
    const operation = currentOperation();
    entered.resolve(operation);
    return cities.pipe(
      toArray(),
      mergeMap(async (all) => {
        const text = all.map(({ name }) => name).join(', ');
        return text === 'wait' ? wait(operation) : { text };
      }),
    );
  }

  @Cancelable('1h')
  @GrpcStreamMethod('Reports')
  chat(cities: Observable<City>): Observable<{ text: string }> {
    entered.resolve(currentOperation());
    return concat(cities.pipe(map(({ name }) => ({ text: `hello ${name}` }))), NEVER);
  }

  @GrpcStreamCall('Reports')
  @Cancelable('1h')
  async pass(call: {
    write(message: object): void;
    on(event: 'data', on: (city: City) => void): void;
  }) {
    call.on('data', ({ name }) => call.write({ text: `passed ${name}` }));
    await wait();
  }
}

const protoPath = fileURLToPath(new URL('reports.proto', import.meta.url));

type GrpcClient = any;

async function start(options?: Parameters<typeof startService>[2]) {
  const url = `127.0.0.1:${await freePort()}`;
  const service: Service = await startService(
    { transport: Transport.GRPC, options: { url, package: 'reports', protoPath } },
    { controllers: [Reports] },
    options,
  );
  const loaded = loadPackageDefinition(loadSync(protoPath)) as GrpcClient;
  const client = new loaded.reports.Reports(url, credentials.createInsecure());
  closeAfterTest(() => client.close());
  return { ...service, client };
}

/** A call of the unary kind. */
function call(client: GrpcClient, method: string, name: string, options: object = {}) {
  let request: { cancel(): void } | undefined;
  const answer = new Promise<{ text?: string; error?: ServiceError }>((resolve) => {
    request = client[method]({ name }, new Metadata(), options, (error: ServiceError, value: any) =>
      resolve(error ? { error } : value),
    );
  });
  return { answer, cancel: () => request?.cancel() };
}

const failure = async (stream: any): Promise<ServiceError> =>
  await new Promise((resolve) => stream.on('error', resolve));

describe('@Cancelable() on a handler over gRPC', () => {
  it('is an operation of kind rpc, by service and method', async () => {
    const { client, registry } = await start();
    expect(await call(client, 'build', 'Paris').answer).toEqual({ text: 'Paris: Reports/Build' });
    expect(registry.history()).toMatchObject([
      { name: 'Reports/Build', kind: 'rpc', status: 'completed' },
    ]);
  });

  it('stops when the client cancels', async () => {
    const { client, next } = await start();
    const { answer, cancel } = call(client, 'build', 'wait');
    await entered.promise;
    const settled = next('settled');
    cancel();
    expect((await answer).error?.code).toBe(1);
    expect(await exit.promise).toBe('disconnect');
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
  });

  it("keeps to the client's deadline, which only shortens its own", async () => {
    const { client, next } = await start();
    const settled = next('settled');
    const { answer } = call(client, 'build', 'wait', { deadline: Date.now() + 300 });
    const operation = await entered.promise;
    expect(operation.token.remaining()).toBeLessThanOrEqual(300);
    operation.extend('30m');
    expect(operation.token.remaining()).toBeLessThanOrEqual(300);
    expect((await answer).error?.code).toBe(4);
    expect(await exit.promise).toBe('timeout');
    expect(await settled).toMatchObject({ reason: 'timeout' });
  });

  it('has its own deadline, where the client waits longer', async () => {
    const { client } = await start();
    const { answer } = call(client, 'late', 'x', { deadline: Date.now() + 3_600_000 });
    const { error } = await answer;
    expect(error).toMatchObject({ code: 4, details: 'The operation timed out' });
    expect(error?.metadata.get('operation-code')).toEqual(['OPERATION_TIMEOUT']);
  });

  it('answers a cancel with CANCELLED, a shutdown with UNAVAILABLE', async () => {
    const { client, registry } = await start();
    for (const [reason, code] of [
      ['manual', 1],
      ['shutdown', 14],
      ['superseded', 10],
    ] as const) {
      entered = deferred();
      const { answer } = call(client, 'build', 'wait');
      (await entered.promise).cancel({ reason, message: 'secret' });
      const { error } = await answer;
      expect(error?.code).toBe(code);
      expect(error?.details).not.toContain('secret');
    }
    await registry.whenIdle();
  });

  it("leaves the user's own exceptions alone", async () => {
    const { client } = await start();
    expect((await call(client, 'build', 'error').answer).error).toMatchObject({
      code: 9,
      details: 'my own',
    });
  });

  it('lasts as long as the stream it sends, and ends it with the right status', async () => {
    const { client, registry, next } = await start();
    const complete = client.rows({ name: 'Paris' });
    const rows: string[] = [];
    complete.on('data', ({ text }: { text: string }) => rows.push(text));
    await once(complete, 'end');
    expect(rows).toEqual(['Paris 1', 'Paris 2']);
    expect(registry.history()).toMatchObject([{ name: 'Reports/Rows', status: 'completed' }]);

    const canceled = client.rows({ name: 'wait' });
    canceled.resume();
    const failed = failure(canceled);
    (await entered.promise).cancel({ reason: 'timeout' });
    expect((await failed).code).toBe(4);

    entered = deferred();
    exit = deferred();
    const dropped = client.rows({ name: 'wait' });
    dropped.resume();
    dropped.on('error', () => {});
    await entered.promise;
    const settled = next('settled');
    dropped.cancel();
    expect(await settled).toMatchObject({ reason: 'disconnect' });
  });

  it('follows the stream it receives', async () => {
    const { client, registry, next } = await start();
    const answer = deferred<any>();
    const sent = client.collect((error: unknown, value: any) => answer.resolve(error ?? value));
    sent.write({ name: 'Paris' });
    sent.end({ name: 'Rome' });
    expect(await answer.promise).toEqual({ text: 'Paris, Rome' });
    expect(registry.history()).toMatchObject([{ name: 'Reports/Collect', status: 'completed' }]);

    entered = deferred();
    const dropped = client.collect(() => {});
    const settled = next('settled');
    dropped.write({ name: 'wait' });
    await entered.promise;
    // Over HTTP/2 the end of a canceled stream looks like one that was sent: the work begins.
    dropped.cancel();
    expect(await settled).toMatchObject({ reason: 'disconnect' });
  });

  it('follows streams in both directions', async () => {
    const { client, next } = await start();
    const chat = client.chat();
    chat.on('error', () => {});
    const heard = once(chat, 'data');
    chat.write({ name: 'Ada' });
    expect(await heard).toEqual([{ text: 'hello Ada' }]);
    const settled = next('settled');
    chat.cancel();
    expect(await settled).toMatchObject({ name: 'Reports/Chat', reason: 'disconnect' });

    entered = deferred();
    const canceled = client.chat();
    canceled.resume();
    const failed = failure(canceled);
    canceled.write({ name: 'Ada' });
    (await entered.promise).cancel();
    expect((await failed).code).toBe(1);
  });

  it('follows calls that are passed through', async () => {
    const { client, next } = await start();
    const pass = client.pass();
    pass.on('error', () => {});
    const heard = once(pass, 'data');
    pass.write({ name: 'Ada' });
    expect(await heard).toEqual([{ text: 'passed Ada' }]);
    const settled = next('settled');
    pass.cancel();
    expect(await exit.promise).toBe('disconnect');
    expect(await settled).toMatchObject({ name: 'Reports/Pass', reason: 'disconnect' });
  });

  it('is refused in an operation that is canceled already', async () => {
    const { client, registry } = await start({ defaultTimeout: '1h' });
    const { answer } = call(client, 'build', 'wait', { deadline: Date.now() - 1 });
    expect((await answer).error?.code).toBe(4);
    expect(registry.list()).toEqual([]);
  });
});
