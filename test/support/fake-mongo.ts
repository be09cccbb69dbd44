import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { closeAfterTest } from './close-after-test.js';
import { BSON, type Document } from 'mongodb';
import { deferred, type Deferred } from './deferred.js';

const OP_REPLY = 1;
const OP_MSG = 2013;
const HEADER = 16;

/** What a server that stands alone says of itself. */
export const HELLO = {
  helloOk: true,
  isWritablePrimary: true,
  minWireVersion: 0,
  maxWireVersion: 21,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  logicalSessionTimeoutMinutes: 30,
};

/** A command as the server sees it. */
export interface SeenCommand {
  readonly command: Document;
  /** Resolves when the driver has closed the connection. */
  readonly closed: Promise<unknown>;
  answer(document: Document): void;
}

/**
 * So much of MongoDB that its driver connects: it answers `hello` and `endSessions`, and leaves
 * every other command to the test.
 */
export class FakeMongo {
  /** Connections that are open. */
  readonly sockets = new Set<Socket>();
  private readonly waiting = new Map<string, Deferred<SeenCommand>[]>();
  private readonly server = createServer((socket) => this.accept(socket));

  private constructor(private readonly isReady: boolean) {}

  /** @param isReady whether it answers `hello`, or leaves that to the test, too */
  static async start({ isReady = true } = {}): Promise<FakeMongo> {
    const mongo = new FakeMongo(isReady);
    mongo.server.listen(0, '127.0.0.1');
    await once(mongo.server, 'listening');
    closeAfterTest(() => {
      mongo.server.close();
      for (const socket of mongo.sockets) socket.destroy();
    });
    return mongo;
  }

  get url(): string {
    return `mongodb://127.0.0.1:${(this.server.address() as AddressInfo).port}/shop`;
  }

  /** The next command of a name; ask before what sends it. */
  next(name: string): Promise<SeenCommand> {
    const wanted = deferred<SeenCommand>();
    this.waiting.set(name, [...(this.waiting.get(name) ?? []), wanted]);
    return wanted.promise;
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    const closed = once(socket, 'close').then(() => this.sockets.delete(socket));
    socket.on('error', () => {});
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= HEADER && rest.length >= rest.readInt32LE(0)) {
        const length = rest.readInt32LE(0);
        const { command, reply } = parse(rest.subarray(0, length));
        rest = rest.subarray(length);
        this.receive({
          command,
          answer: (document) => socket.write(reply({ ok: 1, ...document })),
          closed,
        });
      }
    });
  }

  private receive(seen: SeenCommand): void {
    const sent = Object.keys(seen.command)[0] ?? '';
    // What drivers send until they know that the server knows the other.
    const name = sent === 'ismaster' ? 'hello' : sent;
    if (name === 'endSessions') seen.answer({});
    else if (name === 'hello' && this.isReady) seen.answer(HELLO);
    else this.waiting.get(name)?.shift()?.resolve(seen);
  }
}

/** The two requests that there are: one before the handshake, and one after it. */
function parse(message: Buffer): { command: Document; reply(document: Document): Buffer } {
  const id = message.readInt32LE(4);
  if (message.readInt32LE(12) === OP_MSG) {
    // Flags, and the kind of the first section, which is the command.
    const reply = (document: Document) =>
      frame(OP_MSG, id, Buffer.alloc(5), BSON.serialize(document));
    return { command: BSON.deserialize(message.subarray(HEADER + 5)), reply };
  }
  // Flags, the name of a collection, and two numbers.
  const start = message.indexOf(0, HEADER + 4) + 1 + 8;
  return {
    command: BSON.deserialize(message.subarray(start)),
    reply: (document) => {
      const head = Buffer.alloc(20);
      head.writeInt32LE(1, 16); // one document
      return frame(OP_REPLY, id, head, BSON.serialize(document));
    },
  };
}

function frame(code: number, answered: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER);
  header.writeInt32LE(HEADER + body.length, 0);
  header.writeInt32LE(answered, 8);
  header.writeInt32LE(code, 12);
  return Buffer.concat([header, body]);
}
