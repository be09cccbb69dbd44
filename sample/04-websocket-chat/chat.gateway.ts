import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import {
  Cancelable,
  CurrentOperation,
  type Operation,
  OperationRegistry,
  socketId,
} from 'nestjs-cancelable';
import { operationIdOf, type Question } from './question.js';
import { speak } from './speech.js';

@WebSocketGateway()
export class ChatGateway {
  constructor(private readonly operations: OperationRegistry) {}

  /** Word by word, until it is said, stopped, or nobody listens any more. */
  @SubscribeMessage('ask')
  @Cancelable('1m')
  async *ask(@MessageBody() { id, text }: Question, @CurrentOperation() operation: Operation) {
    for await (const word of operation.stream(speak(text))) {
      yield { event: 'word', data: { id, word } };
    }
    yield { event: 'done', data: { id } };
  }

  /** A client can stop its own answers only: the others have other metadata. */
  @SubscribeMessage('stop')
  stop(@ConnectedSocket() socket: object, @MessageBody() { id }: { id: string }) {
    const client = socketId(socket);
    const filter = { id: operationIdOf(client, id), metadata: { client } };
    return { event: 'stopped', data: { id, count: this.operations.cancelAll(filter) } };
  }
}
