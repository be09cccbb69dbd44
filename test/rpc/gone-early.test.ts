import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Injectable,
  UseGuards,
} from '@nestjs/common';
import { GrpcMethod, MessagePattern, type TcpContext, Transport } from '@nestjs/microservices';
import { Cancelable } from 'nestjs-cancelable';
import { type Deferred, deferred } from '../support/deferred.js';
import { freePort } from '../support/servers.js';
import { startService } from './support.js';
import { closeAfterTest } from '../support/close-after-test.js';

let guarded: Deferred<void>;
let runs: number;

beforeEach(() => {
  guarded = deferred();
  runs = 0;
});

/** Lets a call through once its caller has left. */
@Injectable()
class SlowGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const call = context.getArgByIndex<NodeJS.EventEmitter | undefined>(2);
    const socket = context.getArgByIndex<Partial<TcpContext>>(1).getSocketRef?.().netSocket;
    const left = call === undefined ? once(socket!, 'close') : once(call, 'cancelled');
    guarded.resolve();
    await left;
    return true;
  }
}

@Controller()
@UseGuards(SlowGuard)
class GuardedController {
  @MessagePattern('guarded')
  @Cancelable('1h')
  async message(_data: unknown) {
    runs++;
  }

  @GrpcMethod('Passed', 'Wait')
  @Cancelable('1h')
  async call(_city: unknown) {
    runs++;
  }
}

describe('A caller that left during the guards', () => {
  it('over TCP: nothing runs for it', async () => {
    const port = await freePort();
    const { next } = await startService(
      { transport: Transport.TCP, options: { host: '127.0.0.1', port } },
      { controllers: [GuardedController] },
    );
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const text = JSON.stringify({ pattern: 'guarded', data: {}, id: '1' });
    socket.write(`${text.length}#${text}`);
    await guarded.promise;
    const settled = next('settled');
    socket.destroy();
    expect(await settled).toMatchObject({ name: 'guarded', reason: 'disconnect' });
    expect(runs).toBe(0);
  });

  it('over gRPC: nothing runs for it', async () => {
    const protoPath = fileURLToPath(new URL('passed-through.proto', import.meta.url));
    const url = `127.0.0.1:${await freePort()}`;
    const { next } = await startService(
      { transport: Transport.GRPC, options: { url, package: 'passed', protoPath } },
      { controllers: [GuardedController] },
    );
    const loaded: any = loadPackageDefinition(loadSync(protoPath));
    const client = new loaded.passed.Passed(url, credentials.createInsecure());
    closeAfterTest(() => client.close());
    const call = client.wait({ name: 'x' }, () => {});
    await guarded.promise;
    const settled = next('settled');
    call.cancel();
    expect(await settled).toMatchObject({ name: 'Passed/Wait', reason: 'disconnect' });
    expect(runs).toBe(0);
  });
});
