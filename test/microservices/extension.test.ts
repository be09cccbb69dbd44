import type { Server, Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  ClientGrpcProxy,
  ClientNats,
  ClientProxy,
  ClientProxyFactory,
  NatsRecord,
} from '@nestjs/microservices';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { type CancelableModuleOptions, OperationRegistry } from 'nestjs-cancelable';
import { microservices } from 'nestjs-cancelable/microservices';
import { firstValueFrom, lastValueFrom, NEVER, type Observable, Subject } from 'rxjs';
import * as library from '@nestjs/microservices';
import { carrierOf } from '../../lib/microservices/carry.js';
import { callWithin } from '../../lib/microservices/outgoing-call.js';
import { connectClient, startService } from '../rpc/support.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { startContext } from '../support/app-context.js';
import { rejection, thrown } from '../support/deferred.js';
import { entered, heard, serving, tcp } from './support.js';

const originals = () => [ClientProxy.prototype.send, ClientGrpcProxy.prototype.createServiceMethod];

async function start(cancelable: CancelableModuleOptions = { extensions: [microservices()] }) {
  const options = await tcp();
  const service = await startService(options, serving);
  const client = await connectClient(options);
  return { service, client, caller: await startContext({}, cancelable) };
}

const echo = (registry: OperationRegistry, client: ClientProxy): Promise<any> =>
  registry.run('ask', () => lastValueFrom(client.send('rates.echo', {})));

describe('microservices()', () => {
  it('puts back what it replaced, whichever application closes first', async () => {
    const before = originals();
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const apps = [await start(), await start()];
      expect(originals()).not.toEqual(before);
      for (const index of order) {
        const { client, caller } = apps[index]!;
        expect(Object.keys((await echo(caller.registry, client)).carried)).toHaveLength(2);
        await caller.app.close();
        expect((await echo(caller.registry, client)).carried).toEqual({});
      }
      expect(originals()).toEqual(before);
    }
  });

  it('does nothing for an application that did not ask for it', async () => {
    const { client } = await start();
    const other = await startContext({});
    expect((await echo(other.registry, client)).carried).toEqual({});
    expect((await echo(new OperationRegistry(), client)).carried).toEqual({});
  });

  it('passes calls through below a patch that somebody else put on top', async () => {
    const [below] = originals() as [ClientProxy['send']];
    const { client, caller } = await start();
    const ours = ClientProxy.prototype.send;
    const onTop: ClientProxy['send'] = function (this: ClientProxy, pattern, data) {
      return ours.call(this, pattern, data) as Observable<any>;
    };
    ClientProxy.prototype.send = onTop;
    try {
      await caller.app.close();
      expect(ClientProxy.prototype.send).toBe(onTop);
      expect((await echo(caller.registry, client)).carried).toEqual({});
    } finally {
      ClientProxy.prototype.send = below;
    }
  });

  it("leaves the user's own hook and its metadata in place", async () => {
    const { client, caller } = await start();
    client.setOnDispatchHook((packet) => {
      packet.metadata = { trace: 'abc', 'nestjs-cancelable-call': 'of the call before this one' };
    });
    const { carried } = await echo(caller.registry, client);
    expect(carried.trace).toBe('abc');
    expect(carried['nestjs-cancelable-call']).toMatch(/^[\w-]{22,64}$/);
  });

  it('sends nothing for what is canceled already', async () => {
    const asked: unknown[] = [];
    const carry = (_client: object, pattern: unknown) => asked.push(pattern) > 0;
    const { client, caller, service } = await start({ extensions: [microservices({ carry })] });
    const { registry } = caller;
    const error = await rejection(
      registry.run('ask', (operation) => {
        operation.cancel({ message: 'stop pressed' });
        return lastValueFrom(client.send('rates.echo', {}));
      }),
    );
    expect(error.message).toBe('stop pressed');
    expect(asked).toEqual([]);
    const event = firstValueFrom(heard);
    client.emit('rates.changed', {});
    await event;
    expect(service.registry.history({ name: 'rates.echo' })).toEqual([]);
  });

  it('connects the client itself, once', async () => {
    const options = await tcp();
    const { app } = await startService(options, serving);
    const { registry } = await startContext({}, { extensions: [microservices()] });
    let connections = 0;
    app.unwrap<Server>().on('connection', () => connections++);
    const client = ClientProxyFactory.create(options);
    closeAfterTest(() => client.close());
    await Promise.all([echo(registry, client), echo(registry, client)]);
    await echo(registry, client);
    expect(connections).toBe(1);
    expect(client.unwrap<Socket>().readyState).toBe('open');
  });

  it('prefers its own timeout to the error that comes of it elsewhere', async () => {
    const { registry } = await startContext({});
    const answers = new Subject<unknown>();
    const owners = new Map([[OperationRegistry.liveOf(registry), {}]]);
    const error = await rejection(
      registry.run({ name: 'ask', timeout: 20 }, () => {
        const answer = firstValueFrom(
          callWithin(
            owners,
            () => NEVER,
            () => ({ answers }),
          ),
        );
        // Our timer is due, and has not fired.
        for (const end = performance.now() + 30; performance.now() < end;);
        answers.error(new Error('of the server'));
        return answer;
      }),
    );
    expect(error).toMatchObject({ reason: 'timeout' });
  });

  it('makes a call of its own for each subscriber', async () => {
    const { client, caller } = await start();
    const ids = await caller.registry.run('ask', async () => {
      const answers = client.send('rates.echo', {});
      return [await lastValueFrom(answers), await lastValueFrom(answers)].map(
        ({ carried }: any) => carried['nestjs-cancelable-call'],
      );
    });
    expect(new Set(ids).size).toBe(2);
  });

  it('carries only what the carry option allows, and stops waiting all the same', async () => {
    const asked: unknown[] = [];
    const carry = (client: object, pattern: unknown) => {
      asked.push(client, pattern);
      return pattern !== 'rates.find';
    };
    const { client, caller, service } = await start({ extensions: [microservices({ carry })] });
    const began = firstValueFrom(entered);
    const operation = caller.registry.spawn('ask', () =>
      lastValueFrom(client.send('rates.find', {})),
    );
    await began;
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect(asked).toEqual([client, 'rates.find']);
    expect(Object.keys((await echo(caller.registry, client)).carried)).toHaveLength(2);
    expect(service.registry.list({ name: 'rates.find', status: 'running' })).toHaveLength(1);
    service.registry.cancelAll({});
  });

  it('refuses options that are not possible', () => {
    expect(thrown(() => microservices({ carry: true } as never)).message).toBe(
      'microservices(): carry: true is not allowed. Allowed: a function.',
    );
    expect(thrown(() => microservices({ cary: 1 } as never)).message).toContain("'cary'");
  });
});

describe('Values on a message of NATS', () => {
  const values = { 'nestjs-cancelable-call': 'mine' };
  const client = new ClientNats({ headers: { tenant: 'options' } });
  const carrier = carrierOf(client, library)!;

  it('stand beside the headers of a record, which is not touched', () => {
    const given = natsHeaders();
    given.append('Trace', 'a');
    given.append('Trace', 'b');
    given.append('Nestjs-Cancelable-Call', 'of the call before this one');
    const record = new NatsRecord('Paris', given);
    const { data } = carrier({ pattern: 'rates', data: record }, values);
    expect(data).toBeInstanceOf(NatsRecord);
    expect(data.data).toBe('Paris');
    expect(data.headers.values('Trace')).toEqual(['a', 'b']);
    expect(data.headers.keys().sort()).toEqual(['Trace', 'nestjs-cancelable-call']);
    expect(data.headers.get('nestjs-cancelable-call')).toBe('mine');
    expect(given.keys()).toHaveLength(2);
    expect(record.headers).toBe(given);
  });

  it('are left out where the client cannot make headers', () => {
    const old = Object.create(client, { mergeHeaders: { value: undefined } }) as ClientNats;
    const packet = { pattern: 'rates', data: 'Paris' };
    expect(carrierOf(old, library)!(packet, values)).toBe(packet);
  });
});
