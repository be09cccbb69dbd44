import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Metadata } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { ClientProxyFactory, GrpcMethod, GrpcStreamMethod, Transport } from '@nestjs/microservices';
import { Cancelable, currentOperation, type Operation } from 'nestjs-cancelable';
import { microservices } from 'nestjs-cancelable/microservices';
import { concat, lastValueFrom, map, mergeMap, NEVER, Observable, of, take, toArray } from 'rxjs';
import { startService } from '../rpc/support.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { startContext } from '../support/app-context.js';
import { type Deferred, deferred, rejection } from '../support/deferred.js';
import { freePort } from '../support/servers.js';

interface City {
  readonly name: string;
}

let entered: Deferred<Operation>;

beforeEach(() => {
  entered = deferred();
});

async function wait(operation: Operation): Promise<never> {
  entered.resolve(operation);
  await operation.sleep('1h');
  throw new Error('woke up');
}

/** What is left of the caller's time, where it is less than an hour. */
const left = (operation: Operation) => ({ text: `${Math.round(operation.token.remaining())}` });

@Controller()
class Reports {
  @GrpcMethod('Reports')
  @Cancelable('1h')
  async build({ name }: City) {
    const operation = currentOperation();
    return name === 'wait' ? wait(operation) : left(operation);
  }

  @GrpcMethod('Reports')
  @Cancelable('1h')
  async *rows({ name }: City) {
    const operation = currentOperation();
    yield left(operation);
    if (name === 'wait') await wait(operation);
  }

  @GrpcStreamMethod('Reports')
  @Cancelable('1h')
  collect(cities: Observable<City>): Observable<{ text: string }> {
    const operation = currentOperation();
    return cities.pipe(
      toArray(),
      mergeMap(async ([city]) => (city?.name === 'wait' ? wait(operation) : left(operation))),
    );
  }

  @GrpcStreamMethod('Reports')
  @Cancelable('1h')
  chat(cities: Observable<City>): Observable<{ text: string }> {
    const operation = currentOperation();
    entered.resolve(operation);
    return concat(cities.pipe(map(() => left(operation))), NEVER);
  }
}

const protoPath = fileURLToPath(new URL('../rpc/reports.proto', import.meta.url));

interface Answer {
  readonly text: string;
}
type Method = (request: City | Observable<City>, ...rest: unknown[]) => Observable<Answer>;

async function start(carry?: () => boolean) {
  const url = `127.0.0.1:${await freePort()}`;
  const options = { url, package: 'reports', protoPath };
  const transport = { transport: Transport.GRPC, options } as const;
  const service = await startService(transport, { controllers: [Reports] });
  const extensions = [microservices(carry === undefined ? {} : { carry })];
  const caller = await startContext({}, { extensions });
  const client = ClientProxyFactory.create(transport);
  closeAfterTest(() => client.close());
  const reports =
    client.getService<Record<'build' | 'rows' | 'collect' | 'chat', Method>>('Reports');
  return { service, caller, reports };
}

const calls: ['build' | 'rows' | 'collect' | 'chat', City | (() => Observable<City>)][] = [
  ['build', { name: 'wait' }],
  ['rows', { name: 'wait' }],
  ['collect', () => of({ name: 'wait' })],
  ['chat', () => concat(of({ name: 'wait' }), NEVER)],
];

describe.each(calls)('A client of gRPC: %s', (method, given) => {
  const request = () => (typeof given === 'function' ? given() : given);

  it('errors with the operation, and its server stops', async () => {
    const { caller, reports, service } = await start();
    const operation = caller.registry.spawn('ask', () => lastValueFrom(reports[method](request())));
    expect((await entered.promise).token.isCanceled).toBe(false);
    const settled = service.next('settled');
    operation.cancel({ message: 'stop pressed' });
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
  });

  it('brings the deadline, and errors with that of the operation', async () => {
    const { caller, reports, service } = await start();
    const settled = service.next('settled');
    const operation = caller.registry.spawn({ name: 'ask', timeout: 300 }, () =>
      lastValueFrom(reports[method](request())),
    );
    const remaining = (await entered.promise).token.remaining();
    expect(remaining).toBeLessThanOrEqual(302);
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect(operation.cancelation?.reason).toBe('timeout');
    expect(await settled).toMatchObject({ status: 'canceled' });
  });
});

describe('A client of gRPC', () => {
  const ask = (reports: Awaited<ReturnType<typeof start>>['reports'], ...rest: unknown[]) =>
    lastValueFrom(reports.build({ name: 'Paris' }, ...rest)).then(({ text }) => Number(text));
  const metadata = () => new Metadata();

  it.each([[[]], [[metadata()]], [[metadata(), {}]], [[{}]]])(
    'has a deadline beside %j',
    async (rest) => {
      const { caller, reports } = await start();
      const limited = { name: 'ask', timeout: '1m' } as const;
      expect(await caller.registry.run(limited, () => ask(reports, ...rest))).toBeLessThan(60_010);
      expect(await caller.registry.run('ask', () => ask(reports, ...rest))).toBeGreaterThan(60_010);
      expect(await ask(reports, ...rest)).toBeGreaterThan(60_010);
    },
  );

  it('keeps a deadline of its own', async () => {
    const { caller, reports } = await start();
    const deadline = Date.now() + 600_000;
    const remaining = await caller.registry.run({ name: 'ask', timeout: '1m' }, () =>
      ask(reports, metadata(), { deadline }),
    );
    expect(remaining).toBeGreaterThan(60_010);
  });

  it('carries only what the carry option allows', async () => {
    const asked: unknown[] = [];
    const { caller, reports } = await start((...args: unknown[]) => {
      asked.push(args[1]);
      return false;
    });
    const remaining = await caller.registry.run({ name: 'ask', timeout: '1m' }, () => ask(reports));
    expect(remaining).toBeGreaterThan(60_010);
    expect(asked).toEqual(['/reports.Reports/Build']);
  });

  it('hands on metadata with a stream, which leaves no room for a deadline', async () => {
    const { caller, reports } = await start();
    const limited = { name: 'ask', timeout: '1m' } as const;
    const collect = (...rest: unknown[]) =>
      caller.registry.run(limited, async () => {
        const { text } = await lastValueFrom(reports.collect(of({ name: 'Paris' }), ...rest));
        return Number(text);
      });
    expect(await collect()).toBeLessThan(60_010);
    expect(await collect(metadata())).toBeGreaterThan(60_010);
  });

  it('works as before outside of an operation, and after the application has ended', async () => {
    const { caller, reports, service } = await start();
    await caller.registry.run('ask', async () => {
      const settled = service.next('settled');
      await lastValueFrom(reports.rows({ name: 'wait' }).pipe(take(1)));
      expect(await settled).toMatchObject({ reason: 'disconnect' });
    });
    await caller.app.close();
    const remaining = await caller.registry.run({ name: 'ask', timeout: '1m' }, () => ask(reports));
    expect(remaining).toBeGreaterThan(60_010);
  });
});
