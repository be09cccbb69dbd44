import { ConnectionGate } from './connection-gate.js';
import {
  addressIn,
  type ClientAddress,
  type SecondConnection,
  type Unblockers,
} from './unblocker.js';

/** What an application wants of the clients of Redis. */
export interface RedisSettings {
  readonly unblockers: Unblockers;
}

/** A client, whichever library it is of. */
export interface RedisConnection {
  /** Another value for each connection that the client makes, and whenever it has none. */
  session(): unknown;
  /** Whether a command is written, or queued in its order. */
  takesCommands(): boolean;
  /** `CLIENT INFO` of the connection itself, sent ahead of what follows. */
  info(): Promise<unknown>;
  openSecond(): Promise<SecondConnection>;
}

/** A client that has sent blocking commands. */
export class ClientState {
  readonly gate = new ConnectionGate();
  private session: unknown = undefined;
  private known: Promise<ClientAddress | undefined> | undefined = undefined;

  constructor(readonly connection: RedisConnection) {}

  /**
   * The address of the connection that is in use now. Once it is known, everything that was sent
   * before it was asked for has been answered.
   */
  address(): Promise<ClientAddress | undefined> {
    const session = this.connection.session();
    if (this.known === undefined || this.session !== session) {
      this.session = session;
      this.known = this.ask();
    }
    return this.known;
  }

  /** The client has another connection than the one that was asked for its address. */
  get isReconnecting(): boolean {
    return this.session !== this.connection.session();
  }

  private async ask(): Promise<ClientAddress | undefined> {
    try {
      return addressIn(await this.connection.info());
    } catch {
      return undefined;
    }
  }
}
