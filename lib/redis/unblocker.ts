import { contextStorage } from '../scope/context-storage.js';

/** Which client a connection is, as its server sees it. */
export interface ClientAddress {
  readonly id: string;
  /** Tells a client of this server from one of the same id elsewhere, or before a restart. */
  readonly addr: string;
}

/** A connection to the server of a client, for nothing but interrupting. */
export interface SecondConnection {
  command(...args: string[]): Promise<unknown>;
  /** Closes it at once. */
  close(): void;
}

/** Milliseconds after which a connection that nobody needs is closed. */
const KEPT = 10_000;
/** Milliseconds after which an answer is no longer expected. */
const PATIENCE = 5_000;

/** @param line of `CLIENT INFO` or `CLIENT LIST` */
export function addressIn(line: unknown): ClientAddress | undefined {
  const found = /\bid=(\d+) addr=(\S+)/.exec(String(line));
  return found === null ? undefined : { id: found[1]!, addr: found[2]! };
}

/** What is to be interrupted, until it is over by itself. */
export interface Blocked {
  readonly isOver: boolean;
  readonly over: Promise<void>;
}

/** Interrupts the blocking commands of one client, over a connection that it opens when needed. */
class Unblocker {
  private second: Promise<SecondConnection> | undefined = undefined;
  private verified: ClientAddress | undefined = undefined;
  private running = 0;
  private isKept = true;
  private idle: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly open: () => Promise<SecondConnection>,
    private readonly ended: () => void,
  ) {}

  /**
   * Settles when the server has answered: from then on it unblocks nothing any more.
   *
   * @returns false if the client was not blocked
   */
  async unblock(address: ClientAddress, blocked: Blocked): Promise<boolean> {
    clearTimeout(this.idle);
    this.running++;
    // What is opened here belongs to no operation.
    const second = (this.second ??= contextStorage.run(undefined as never, this.open));
    try {
      const connection = await Promise.race([second, blocked.over]);
      if (connection === undefined) return false;
      const isHere = await Promise.race([this.leadsTo(address, connection), blocked.over]);
      if (isHere !== true || blocked.isOver) return false;
      const answer = await inTime(connection.command('CLIENT', 'UNBLOCK', address.id, 'ERROR'));
      return Number(answer) === 1;
    } catch (error) {
      if (this.second === second) this.discard();
      throw error;
    } finally {
      if (--this.running === 0) this.rest();
    }
  }

  /**
   * Whether the second connection leads to the server of a client. It can be another one: behind a
   * balancer, or after a restart, and has clients of the same ids.
   */
  private async leadsTo(address: ClientAddress, connection: SecondConnection): Promise<boolean> {
    if (this.verified === address) return true;
    const found = addressIn(await inTime(connection.command('CLIENT', 'LIST', 'ID', address.id)));
    if (found?.id !== address.id || found.addr !== address.addr) return false;
    this.verified = address;
    return true;
  }

  /** Nothing is to be interrupted for the time being. */
  private rest(): void {
    if (!this.isKept) return this.discard();
    this.idle = setTimeout(() => this.discard(), KEPT);
    this.idle.unref();
  }

  private discard(): void {
    clearTimeout(this.idle);
    const { second } = this;
    this.second = this.verified = undefined;
    second?.then(
      (connection) => connection.close(),
      () => {},
    );
    if (this.running === 0) this.ended();
  }

  /** Keeps no connection any more; what runs may end. */
  close(): void {
    this.isKept = false;
    if (this.running === 0) this.discard();
  }
}

/** The second connections of one application. */
export class Unblockers {
  private readonly live = new Map<object, Unblocker>();
  private isClosed = false;

  of(client: object, open: () => Promise<SecondConnection>): Unblocker {
    let unblocker = this.live.get(client);
    if (unblocker === undefined) {
      unblocker = new Unblocker(open, () => this.live.delete(client));
      this.live.set(client, unblocker);
      if (this.isClosed) unblocker.close();
    }
    return unblocker;
  }

  close(): void {
    this.isClosed = true;
    for (const unblocker of [...this.live.values()]) unblocker.close();
  }
}

async function inTime<Value>(answer: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE);
    timer.unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
