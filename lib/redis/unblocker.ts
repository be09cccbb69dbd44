import { KeptConnections } from '../scope/kept-connections.js';
import { inTime } from '../scope/waiting.js';

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

/** A client that has another connection opened to its server. */
interface Opener {
  openSecond(): Promise<SecondConnection>;
}

/** Interrupts blocking commands, over a connection for each client that has any. */
export class Unblockers {
  private readonly connections = new KeptConnections<SecondConnection>({
    idle: KEPT,
    close: (connection) => connection.close(),
    destroy: (connection) => connection.close(),
  });

  /**
   * Settles when the server has answered: from then on it unblocks nothing any more.
   *
   * @returns false if the client was not blocked
   */
  unblock(client: Opener, address: ClientAddress, blocked: Blocked): Promise<boolean> {
    const open = () => client.openSecond();
    return this.connections.use(client, open, (second) => unblockOver(second, address, blocked));
  }

  close(): void {
    this.connections.close();
  }
}

async function unblockOver(
  opened: Promise<SecondConnection>,
  address: ClientAddress,
  blocked: Blocked,
): Promise<boolean> {
  const second = await Promise.race([opened, blocked.over]);
  if (second === undefined) return false;
  const isHere = await Promise.race([leadsTo(second, address), blocked.over]);
  if (isHere !== true || blocked.isOver) return false;
  const answer = await inTime(second.command('CLIENT', 'UNBLOCK', address.id, 'ERROR'), PATIENCE);
  return Number(answer) === 1;
}

/** The clients that connections are known to share their server with. */
const verified = new WeakMap<SecondConnection, ClientAddress>();

/**
 * Whether the second connection leads to the server of a client. It can be another one: behind a
 * balancer, or after a restart, and has clients of the same ids.
 */
async function leadsTo(second: SecondConnection, address: ClientAddress): Promise<boolean> {
  if (verified.get(second) === address) return true;
  const list = await inTime(second.command('CLIENT', 'LIST', 'ID', address.id), PATIENCE);
  const found = addressIn(list);
  if (found?.id !== address.id || found.addr !== address.addr) return false;
  verified.set(second, address);
  return true;
}
