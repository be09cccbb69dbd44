import { describe, expect, it } from '@jest/globals';
import { Controller, type ExecutionContext } from '@nestjs/common';
import { type ClientProxy, MessagePattern } from '@nestjs/microservices';
import { type CancelableModuleOptions, currentOperation } from 'nestjs-cancelable';
import { callerOperationId, CancelationController } from 'nestjs-cancelable/microservices';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { CorrelatedCalls } from '../../lib/transports/rpc/correlated-calls.js';
import { connectClient, startService } from '../rpc/support.js';
import { deferred, rejection } from '../support/deferred.js';
import { correlated, entered, heard, serving, tcp } from './support.js';

const REMAINING = 'x-request-timeout-ms';
const CALL = 'nestjs-cancelable-call';
const OPERATION = 'nestjs-cancelable-operation';
const HOUR = 3_600_000;

async function start(cancelable?: CancelableModuleOptions) {
  const options = await tcp();
  const service = await startService(options, serving, cancelable);
  const client = await connectClient(options);
  return { service, client };
}

/** Calls as anybody can who reaches the service: with metadata of any kind. */
function sendWith(client: ClientProxy, metadata: unknown, pattern: string): Promise<any> {
  client.setOnDispatchHook((packet) => {
    if (packet.pattern === pattern) packet.metadata = metadata as Record<string, string>;
  });
  return lastValueFrom(client.send(pattern, {}));
}

/** Everything that was sent before has been handled, on one connection. */
async function allIsHeard(client: ClientProxy): Promise<void> {
  const event = firstValueFrom(heard);
  client.emit('rates.changed', {});
  await event;
}

describe('What a caller sends along', () => {
  const garbage: unknown[] = [
    ...['-1', '+5', '1e3', '0x10', ' 5', '5ms', '5.5', 'NaN', 'Infinity', '', '12345678901'],
    ...[5, ['5'], { value: '5' }, null, true],
  ];
  it.each(garbage.map((value) => ({ value })))('ignores a time of $value', async ({ value }) => {
    const { client } = await start();
    expect(await sendWith(client, { [REMAINING]: value }, 'rates.free')).toBe('free');
  });

  it.each([['text'], [['5']], [5], [null], [{ get: '5' }]])('ignores %j', async (metadata) => {
    const { client } = await start();
    expect(await sendWith(client, metadata, 'rates.free')).toBe('free');
  });

  it('may only shorten', async () => {
    const { client } = await start();
    const short = await sendWith(client, { [REMAINING]: '5000' }, 'rates.echo');
    expect(short.remaining).toBeLessThanOrEqual(5_000);
    const long = await sendWith(client, { [REMAINING]: '9999999999' }, 'rates.echo');
    expect(long.remaining).toBeLessThanOrEqual(HOUR);
  });

  it('may be over already', async () => {
    const { client, service } = await start();
    const error = await rejection(sendWith(client, { [REMAINING]: '0' }, 'rates.find'));
    expect(error).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    // Its provider never began.
    expect(service.registry.history().map(({ name }) => name)).toEqual(['rates.find']);
  });

  it('becomes metadata only where the request option says so', async () => {
    const { client, service } = await start({
      request: (context) => ({ metadata: { calledBy: callerOperationId(context) } }),
    });
    await sendWith(client, { [OPERATION]: 'abc-123' }, 'rates.echo');
    for (const value of ['with space', 'a'.repeat(201), 5, ['x'], undefined]) {
      await sendWith(client, { [OPERATION]: value }, 'rates.echo');
    }
    const ids = service.registry.history().map(({ metadata }) => metadata?.['calledBy']);
    expect(ids).toEqual(['abc-123', undefined, undefined, undefined, undefined, undefined]);

    const plain = await start();
    await sendWith(plain.client, { [OPERATION]: 'abc-123' }, 'rates.echo');
    expect(JSON.stringify(plain.service.registry.history())).not.toContain('abc-123');
  });

  it('survives contexts of foreign transports', () => {
    const context = (transport: unknown) =>
      ({ getArgByIndex: () => transport }) as unknown as ExecutionContext;
    const thrower = {
      getMetadata() {
        throw new Error('not here');
      },
    };
    for (const transport of [undefined, null, 5, {}, thrower]) {
      expect(callerOperationId(context(transport))).toBeUndefined();
    }
    const headers = new Map([[OPERATION, 'abc']]);
    expect(callerOperationId(context({ getHeaders: () => headers }))).toBe('abc');
    expect(callerOperationId(context({ getMetadata: () => ({ [OPERATION]: 'abc' }) }))).toBe('abc');
  });
});

describe('CancelationController', () => {
  const id = 'a-call-id-of-a-caller-0';
  const other = 'a-call-id-of-a-caller-1';

  async function wait(others: object = {}) {
    const { client, service } = await start({
      request: () => ({ tags: ['asked'] }),
    });
    const began = firstValueFrom(entered);
    const answer = rejection(sendWith(client, { [CALL]: id, ...others }, 'rates.find'));
    const operation = await began;
    const cancel = (payload: unknown) => client.emit('nestjs-cancelable.cancel', payload);
    return { client, service, answer, operation, cancel };
  }

  it('cancels nothing for other ids, and the one call for its own', async () => {
    const { client, service, answer, operation, cancel } = await wait();
    const payloads = [other, {}, [], { call: other }, { call: [id] }, { call: 'short' }, 5, [[id]]];
    for (const payload of payloads) cancel(payload);
    await allIsHeard(client);
    expect(operation.token.isCanceled).toBe(false);
    const settled = service.next('settled', 'rates.find');
    cancel({ call: id });
    expect(await answer).toMatchObject({ code: 'OPERATION_DISCONNECT' });
    expect(await settled).toMatchObject({ message: 'the caller stopped waiting', tags: ['asked'] });
    expect(correlated(service).size).toBe(0);
    cancel({ call: id });
    await allIsHeard(client);
    expect(service.registry.statistics().byName).toHaveProperty(['rates.find']);
    expect(service.registry.statistics().byName).not.toHaveProperty(['nestjs-cancelable.cancel']);
    expect(service.log.find('error')).toEqual([]);
  });

  it('believes in a timeout only if the caller sent a time', async () => {
    const { service, answer, cancel } = await wait();
    const settled = service.next('settled', 'rates.find');
    cancel({ call: id, timedOut: true });
    await answer;
    expect(await settled).toMatchObject({ reason: 'disconnect' });

    const late = await wait({ [REMAINING]: '60000' });
    const timedOut = late.service.next('settled', 'rates.find');
    late.cancel({ call: id, timedOut: true });
    await late.answer;
    const message = "the caller's deadline passed";
    expect(await timedOut).toMatchObject({ reason: 'timeout', message });
  });

  it('takes an id away from no other call', async () => {
    const { client, service, answer, operation, cancel } = await wait();
    const began = firstValueFrom(entered);
    const second = rejection(sendWith(client, { [CALL]: id }, 'rates.find'));
    const twin = await began;
    cancel({ call: id });
    await answer;
    expect(operation.token.isCanceled).toBe(true);
    expect(twin.token.isCanceled).toBe(false);
    service.registry.cancelAll({});
    await second;
  });

  it('is obeyed although it comes before its call', async () => {
    const { client, service } = await start();
    client.emit('nestjs-cancelable.cancel', { call: id });
    await allIsHeard(client);
    const error = await rejection(sendWith(client, { [CALL]: id }, 'rates.find'));
    expect(error).toMatchObject({ code: 'OPERATION_DISCONNECT' });
    expect(service.registry.history().map(({ name }) => name)).toEqual(['rates.find']);
    expect(correlated(service).size).toBe(0);
  });

  it('remembers a limited number of them', () => {
    const calls = new CorrelatedCalls();
    for (let index = 0; index < 300; index++) calls.cancel({ call: `${index}`, timedOut: false });
    const canceled: string[] = [];
    for (let index = 0; index < 300; index++) {
      calls.add(`${index}`, { callerStoppedWaiting: () => canceled.push(`${index}`) });
    }
    expect(canceled).toHaveLength(256);
    expect(canceled[0]).toBe('44');
    expect(calls.size).toBe(44);
  });

  it('goes on while the application drains', async () => {
    const stopped = deferred<string | undefined>();
    const began = deferred();
    @Controller()
    class Slow {
      @MessagePattern('slow')
      async slow() {
        const operation = currentOperation();
        operation.onCancel(({ reason }) => stopped.resolve(reason));
        began.resolve();
        await operation.sleep('1h');
      }
    }
    const options = await tcp();
    const service = await startService(
      options,
      { controllers: [Slow, CancelationController] },
      {
        request: (context) => {
          if (context.getClass() === CancelationController) throw new Error('no user');
          return {};
        },
      },
    );
    const client = await connectClient(options);
    const answer = sendWith(client, { [CALL]: id }, 'slow').catch(() => {});
    await began.promise;
    const { registry } = service;
    // As the shutdown does, without the transport that Nest closes before any hook.
    (registry.constructor as any).liveOf(registry).phase = 'draining';
    client.emit('nestjs-cancelable.cancel', { call: id });
    expect(await stopped.promise).toBe('disconnect');
    (registry.constructor as any).liveOf(registry).phase = 'open';
    await answer;
  });
});
