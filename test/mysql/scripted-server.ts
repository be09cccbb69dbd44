import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'mysql2';

interface Peer {
  readonly id: number;
  readonly connection: any;
  /** Has a query that is not answered yet. */
  isBusy: boolean;
  /** A KILL has come too late, and hits the next query. */
  isHit: boolean;
}

/**
 * A server that does what a test says, in the order it says: `WAIT` is not answered by itself, and
 * everything else at once. A `KILL QUERY` that finds nothing to kill hits the next query.
 */
export class ScriptedServer {
  /** What has come in, with the number of its connection. */
  readonly heard: string[] = [];
  readonly peers = new Map<number, Peer>();
  /** What a KILL does; called with the one to be killed. */
  onKill: (peer: Peer | undefined, answer: () => void) => void = (peer, answer) => {
    if (peer?.isBusy) this.fail(peer);
    else if (peer !== undefined) peer.isHit = true;
    answer();
  };
  private readonly server = createServer((connection) => this.accept(connection));
  private readonly waiting: (() => void)[] = [];
  port = 0;

  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    scripted.server.listen(0);
    const { _server: listening } = scripted.server as any;
    await once(listening, 'listening');
    scripted.port = (listening.address() as AddressInfo).port;
    return scripted;
  }

  /** Resolves when a statement has come in. */
  async hears(sql: string): Promise<void> {
    while (!this.heard.some((line) => line.includes(sql))) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  answer(peer: Peer): void {
    peer.isBusy = false;
    peer.connection.writeOk();
    peer.connection._resetSequenceId();
  }

  fail(peer: Peer): void {
    peer.isBusy = false;
    peer.connection.writeError({ message: 'Query execution was interrupted', code: 1317 });
    peer.connection._resetSequenceId();
  }

  async stop(): Promise<void> {
    for (const { connection } of this.peers.values()) connection.stream.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(connection: any): void {
    const peer: Peer = { id: this.peers.size + 1, connection, isBusy: false, isHit: false };
    this.peers.set(peer.id, peer);
    connection.on('error', () => {});
    connection.on('query', (sql: string) => this.hear(peer, sql));
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: '8.0.0',
      connectionId: peer.id,
      statusFlags: 2,
      characterSet: 8,
      // Neither TLS nor compression.
      capabilityFlags: 0xffffff & ~0x800 & ~0x20,
      authCallback: (_: unknown, done: (error: null) => void) => {
        done(null);
        connection._resetSequenceId();
      },
    });
  }

  private hear(peer: Peer, sql: string): void {
    this.heard.push(`${peer.id}: ${sql}`);
    for (const resolve of this.waiting.splice(0)) resolve();
    const [, killed] = /^KILL QUERY (\d+)/.exec(sql) ?? [];
    if (killed !== undefined) {
      this.onKill(this.peers.get(Number(killed)), () => this.answer(peer));
    } else if (sql.includes('PROCESSLIST')) {
      this.list(peer);
    } else if (peer.isHit) {
      peer.isHit = false;
      this.fail(peer);
    } else if (sql.includes('WAIT')) {
      peer.isBusy = true;
    } else {
      this.answer(peer);
    }
  }

  private list({ connection }: Peer): void {
    const column = (name: string) => ({
      catalog: 'def',
      schema: '',
      table: '',
      orgTable: '',
      name,
      orgName: name,
      characterSet: 33,
      columnLength: 384,
      columnType: 253,
      flags: 0,
      decimals: 0,
    });
    const rows = [...this.peers.values()].map(({ id, connection }) => ({
      ID: String(id),
      HOST: `localhost:${connection.stream.remotePort}`,
    }));
    connection.writeTextResult(rows, [column('ID'), column('HOST')]);
    connection._resetSequenceId();
  }
}
