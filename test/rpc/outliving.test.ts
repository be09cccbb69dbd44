import { once } from 'node:events';
import { connect, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller } from '@nestjs/common';
import { GrpcMethod, MessagePattern, Transport } from '@nestjs/microservices';
import { Cancelable, NotCancelable } from 'nestjs-cancelable';
import type { Observable } from 'rxjs';
import { deferred, turn } from '../support/deferred.js';
import { createOutlivingWork } from '../support/outliving-work.js';
import { freePort } from '../support/servers.js';
import { type Service, startService } from './support.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { message } from './tcp-message.js';

const cases = [
  ['observable', 'ignores', true],
  ['observable', 'excluded', true],
  ['observable', 'follows', false],
  ['iterable', 'ignores', true],
  ['iterable', 'excluded', true],
  ['iterable', 'follows', false],
] as const;

type Work = ReturnType<typeof createOutlivingWork<{ text: string }>>;

async function isDoneAfterLeaving(service: Service, { gate, work }: Work): Promise<boolean> {
  await turn();
  gate.resolve();
  await turn();
  await service.registry.whenIdle();
  await turn();
  return work.isDone;
}

function outcomesOf({ registry }: Service) {
  return new Set(registry.history().map(({ status, reason }) => `${status}: ${reason}`));
}

const outcomes = (goesOn: boolean) =>
  new Set([goesOn ? 'completed: undefined' : 'canceled: disconnect']);

describe('work that outlives its caller over TCP', () => {
  it.each(cases)('%s, which %s: goes on to its end is %s', async (kind, how, expected) => {
    const results = createOutlivingWork({ text: 'x' });
    const give = () => results[kind]() as Observable<unknown>;
    @Controller()
    class WorkController {
      @MessagePattern('ignores')
      @Cancelable({ onDisconnect: 'ignore' })
      ignores() {
        return give();
      }
      @MessagePattern('excluded')
      @NotCancelable()
      excluded() {
        return give();
      }
      @MessagePattern('follows')
      @Cancelable()
      follows() {
        return give();
      }
    }
    const port = await freePort();
    const options = { host: '127.0.0.1', port };
    const service = await startService(
      { transport: Transport.TCP, options },
      { controllers: [WorkController] },
    );
    const left = deferred();
    service.app.unwrap<Server>().on('connection', (socket) => socket.once('close', left.resolve));
    const socket = connect(port, '127.0.0.1');
    closeAfterTest(() => socket.destroy());
    await once(socket, 'connect');
    socket.write(message(how, {}, '1'));
    await once(socket, 'data');
    await results.begun.promise;
    socket.destroy();
    await left.promise;
    expect(await isDoneAfterLeaving(service, results)).toBe(expected);
    if (how !== 'excluded') expect(outcomesOf(service)).toEqual(outcomes(expected));
    expect(service.log.find('error')).toEqual([]);
  });
});

const protoPath = fileURLToPath(new URL('reports.proto', import.meta.url));

describe('work that outlives its caller over gRPC', () => {
  it.each(cases)('%s, which %s: goes on to its end is %s', async (kind, how, expected) => {
    const results = createOutlivingWork({ text: 'x' });
    const left = deferred();
    const give = (_city: object, _metadata: object, call: NodeJS.EventEmitter) => {
      call.once('cancelled', left.resolve);
      return results[kind]() as Observable<{ text: string }>;
    };
    const decorators: Record<string, MethodDecorator> = {
      ignores: Cancelable({ onDisconnect: 'ignore' }) as MethodDecorator,
      excluded: NotCancelable(),
      follows: Cancelable() as MethodDecorator,
    };
    @Controller()
    class WorkController {
      @GrpcMethod('Reports')
      @(decorators[how]!)
      rows(city: object, metadata: object, call: NodeJS.EventEmitter) {
        return give(city, metadata, call);
      }
    }
    const url = `127.0.0.1:${await freePort()}`;
    const service = await startService(
      { transport: Transport.GRPC, options: { url, package: 'reports', protoPath } },
      { controllers: [WorkController] },
    );
    const loaded = loadPackageDefinition(loadSync(protoPath)) as any;
    const client = new loaded.reports.Reports(url, credentials.createInsecure());
    closeAfterTest(() => client.close());
    const call = client.rows({ name: 'x' });
    call.on('error', () => {});
    await once(call, 'data');
    await results.begun.promise;
    call.cancel();
    await left.promise;
    expect(await isDoneAfterLeaving(service, results)).toBe(expected);
    if (how !== 'excluded') expect(outcomesOf(service)).toEqual(outcomes(expected));
    expect(service.log.find('error')).toEqual([]);
  });
});
