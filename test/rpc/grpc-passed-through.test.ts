import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type CanActivate, Controller, UseGuards } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall, Transport } from '@nestjs/microservices';
import { Cancelable, currentOperation, type Operation, OperationLimit } from 'nestjs-cancelable';
import { type Deferred, deferred } from '../support/deferred.js';
import { freePort } from '../support/servers.js';
import { startService } from './support.js';
import { closeAfterTest } from '../support/close-after-test.js';

interface City {
  readonly name: string;
}

let entered: Deferred<Operation>;
let guardIsOpen: boolean;

beforeEach(() => {
  entered = deferred();
  guardIsOpen = true;
});

class SwitchedGuard implements CanActivate {
  canActivate(): boolean {
    if (!guardIsOpen) throw new OperationLimit('secret');
    return true;
  }
}

async function wait(): Promise<never> {
  const operation = currentOperation();
  entered.resolve(operation);
  await operation.sleep('1h');
  throw new Error('woke up');
}

@Controller()
class PassedController {
  @GrpcStreamCall('Passed')
  @UseGuards(SwitchedGuard)
  @Cancelable('1h')
  both(_call: object) {
    return wait();
  }

  /** One answer to many messages: by a callback. */
  @GrpcStreamCall('Passed')
  @UseGuards(SwitchedGuard)
  @Cancelable('1h')
  async sum(
    call: AsyncIterable<City>,
    callback: (error: null, report: { text: string }) => void,
  ): Promise<void> {
    const names: string[] = [];
    for await (const { name } of call) names.push(name);
    if (names.includes('wait')) await wait();
    callback(null, { text: names.join(', ') });
  }

  @GrpcMethod('Passed')
  @UseGuards(SwitchedGuard)
  @Cancelable('1h')
  wait(_city: City) {
    return wait();
  }
}

const protoPath = fileURLToPath(new URL('passed-through.proto', import.meta.url));

type GrpcClient = any;

async function start(options?: Parameters<typeof startService>[2]) {
  const url = `127.0.0.1:${await freePort()}`;
  const service = await startService(
    { transport: Transport.GRPC, options: { url, package: 'passed', protoPath } },
    { controllers: [PassedController] },
    options,
  );
  const loaded = loadPackageDefinition(loadSync(protoPath)) as GrpcClient;
  const client = new loaded.passed.Passed(url, credentials.createInsecure());
  closeAfterTest(() => client.close());
  return { ...service, client };
}

function sum(client: GrpcClient, name: string) {
  const answer = deferred<{ text?: string; error?: ServiceError }>();
  const call = client.sum((error: ServiceError | null, value: { text: string }) =>
    answer.resolve(error === null ? value : { error }),
  );
  call.on('error', () => {});
  call.end({ name });
  return { call, answer: answer.promise };
}

const failure = (stream: any): Promise<ServiceError> =>
  new Promise((resolve) => stream.on('error', resolve).resume());

describe('@GrpcStreamCall()', () => {
  it('answers by its callback, and tells there of a cancel', async () => {
    const { client, registry } = await start();
    expect(await sum(client, 'Paris').answer).toEqual({ text: 'Paris' });
    expect(registry.history()).toMatchObject([{ name: 'Passed/Sum', status: 'completed' }]);

    const { answer } = sum(client, 'wait');
    (await entered.promise).cancel({ reason: 'timeout', message: 'secret' });
    const { error } = await answer;
    expect(error).toMatchObject({ code: 4, details: 'The operation timed out' });
    expect(error?.metadata.get('operation-code')).toEqual(['OPERATION_TIMEOUT']);
    await registry.whenIdle();
  });

  it('tells on its stream of a cancel', async () => {
    const { client, registry } = await start();
    const failed = failure(client.both());
    (await entered.promise).cancel();
    expect(await failed).toMatchObject({ code: 1, details: 'The operation was canceled' });
    await registry.whenIdle();
  });

  it.each(['both', 'sum'] as const)('is refused with a status: %s', async (method) => {
    const { client, registry } = await start({ maxLive: 1 });
    const first = client.wait({ name: 'x' }, () => {});
    await entered.promise;
    const error = await (method === 'both'
      ? failure(client.both())
      : sum(client, 'Paris').answer.then((answer) => answer.error));
    expect(error).toMatchObject({ code: 8, details: 'The server is busy' });
    first.cancel();
    await registry.whenIdle();
  });

  it.each(['both', 'sum', 'wait'] as const)('is refused by its guard: %s', async (method) => {
    const { client, log } = await start();
    guardIsOpen = false;
    const error = await (method === 'both'
      ? failure(client.both())
      : method === 'sum'
        ? sum(client, 'Paris').answer.then((answer) => answer.error)
        : new Promise<ServiceError>((resolve) => client.wait({ name: 'Paris' }, resolve)));
    expect(error).toMatchObject({ code: 8, details: 'The server is busy' });
    expect(error?.metadata.get('operation-code')).toEqual(['OPERATION_LIMIT']);
    expect(log.find('error')).toEqual([]);
  });
});
