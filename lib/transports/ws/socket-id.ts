import { randomText } from '../../registry/operation-ids.js';

/** 128 bits. */
const BYTES = 16;

const ids = new WeakMap<object, string>();

/**
 * A name for the socket of a WebSocket client, the same for all of its messages, over socket.io and
 * ws alike: ws gives its sockets none, and socket.io's is often told to others. This one nobody can
 * guess, so that an id made of it is the client's own.
 *
 * @param client what `@ConnectedSocket()` and `context.switchToWs().getClient()` give
 * @throws TypeError when it is no object
 * @example
 * \@SubscribeMessage('stop')
 * stop(\@MessageBody() { id }: Stop, \@ConnectedSocket() client: Socket) {
 *   return { canceled: this.operations.cancel(`${socketId(client)}:${id}`) };
 * }
 * @publicApi
 */
export function socketId(client: object): string {
  if (typeof client !== 'object' || client === null) {
    throw new TypeError(
      `socketId(): ${String(client)} is no socket. Allowed: what @ConnectedSocket() gives.`,
    );
  }
  let id = ids.get(client);
  if (id === undefined) ids.set(client, (id = randomText(BYTES)));
  return id;
}
