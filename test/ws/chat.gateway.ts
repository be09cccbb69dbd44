import type { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import {
  Cancelable,
  type CancelableModuleOptions,
  CancelToken,
  type CancelationError,
  CancelationToken,
  currentOperation,
  currentToken,
  NotCancelable,
  OperationNotFound,
  OperationRegistry,
  socketId,
} from 'nestjs-cancelable';
import { fromEvent, Observable } from 'rxjs';
import { deferred } from '../support/deferred.js';
import { connect, type Library, startGatewayApp } from './clients.js';

/** What a gateway sends back over both libraries. */
export const answer = (data: unknown) => ({ event: 'answer', data });

/** The parts of a socket that both libraries have. */
export type AnySocket = EventEmitter & { id?: string };

/** A gateway that waits until it is canceled, or a test lets it go. */
function createGateway(library: Library) {
  const gate = deferred<string>();
  const errors: CancelationError[] = [];
  const sockets: AnySocket[] = [];
  const reading = deferred();
  const arrived = deferred();
  const torndown = deferred();

  @Injectable()
  class WorkService {
    @Cancelable({ name: 'work.inner' })
    async work(token = currentToken()) {
      token.onCancel((error) => errors.push(error));
      return gate.promise;
    }
  }

  @WebSocketGateway()
  class ChatGateway {
    constructor(
      private readonly service: WorkService,
      private readonly operations: OperationRegistry,
    ) {}

    handleConnection(socket: AnySocket): void {
      sockets.push(socket);
    }

    @SubscribeMessage('wait')
    @Cancelable()
    async wait(@MessageBody() text: string, @CancelToken() token: CancelationToken) {
      token.onCancel((error) => errors.push(error));
      return answer(`${text} ${await gate.promise}`);
    }

    @SubscribeMessage('work')
    @Cancelable()
    async work() {
      return answer(await this.service.work());
    }

    @SubscribeMessage('plain')
    async plain() {
      return answer(await gate.promise);
    }

    @SubscribeMessage('quick')
    @Cancelable()
    async quick(@MessageBody() text: string) {
      return answer(text);
    }

    @SubscribeMessage('brief')
    @Cancelable(200)
    async brief() {
      return answer(await gate.promise);
    }

    @SubscribeMessage('count')
    @Cancelable()
    async *count() {
      for (let number = 1; number <= 3; number++) yield answer(number);
      await gate.promise;
    }

    @SubscribeMessage('plainCount')
    async *plainCount() {
      for (let number = 1; number <= 3; number++) yield answer(number);
    }

    @SubscribeMessage('ticks')
    @Cancelable()
    ticks() {
      return new Observable((subscriber) => {
        subscriber.next(answer('tick'));
        return () => torndown.resolve();
      });
    }

    @SubscribeMessage('read')
    @Cancelable()
    async read(@ConnectedSocket() client: AnySocket) {
      const chunks = currentOperation().stream(fromEvent(client, CHUNK[library]));
      const first = chunks.next();
      reading.resolve();
      await first;
      arrived.resolve();
      for await (const _chunk of chunks) continue;
    }

    @SubscribeMessage('stubborn')
    @Cancelable({ onDisconnect: 'ignore' })
    async stubborn() {
      return answer(await gate.promise);
    }

    @SubscribeMessage('untouched')
    @NotCancelable()
    async untouched() {
      return answer(await gate.promise);
    }

    @SubscribeMessage('mine')
    @Cancelable()
    async mine() {
      throw new WsException({ status: 'mine', text: 'as it is' });
    }

    @SubscribeMessage('unknown')
    @Cancelable()
    async unknown() {
      throw new OperationNotFound('the id 7 of Alice');
    }

    @SubscribeMessage('cancel')
    cancel(@ConnectedSocket() client: AnySocket, @MessageBody() id: string) {
      const canceled = this.operations.cancelAll({
        id,
        metadata: { client: socketId(client) },
      });
      return { event: 'canceled', data: canceled };
    }
  }
  const providers = [ChatGateway, WorkService];
  return { gate, errors, sockets, reading, arrived, torndown, providers };
}

/** With ws, everything is a message. */
export const CHUNK = { 'socket.io': 'chunk', ws: 'message' } as const;

export const CLOSE = { 'socket.io': 'disconnect', ws: 'close' } as const;

/** An application with that gateway. */
export async function startChat(library: Library, cancelable?: CancelableModuleOptions) {
  const gateway = createGateway(library);
  const app = await startGatewayApp(library, gateway.providers, cancelable);
  return { ...app, ...gateway, app, join: () => connect(library, app) };
}
