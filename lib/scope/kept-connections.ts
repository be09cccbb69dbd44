import { inContext } from './context-storage.js';
import { noop } from './thenable.js';

/** How connections of one kind are kept. */
export interface Keeping<Connection> {
  /** Milliseconds after which one that nobody needs is closed. */
  readonly idle: number;
  /** Closes one that works. */
  close(connection: Connection): void;
  /** Closes one that has failed, at once; it may be closed already. */
  destroy(connection: Connection): void;
  /** Tells when one has ended by itself. */
  onEnd?(connection: Connection, ended: () => void): void;
}

/** A connection that is opened when it is needed, and closed a while after nobody does. */
class KeptConnection<Connection> {
  private opened: Promise<Connection> | undefined = undefined;
  private users = 0;
  private isKept = true;
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly keeping: Keeping<Connection>,
    private readonly ended: () => void,
  ) {}

  async use<Result>(
    open: () => Promise<Connection>,
    work: (opened: Promise<Connection>) => Promise<Result>,
  ): Promise<Result> {
    clearTimeout(this.timer);
    this.users++;
    const opened = (this.opened ??= this.open(open));
    try {
      return await work(opened);
    } catch (error) {
      this.drop(opened);
      throw error;
    } finally {
      if (--this.users === 0) this.rest();
    }
  }

  /** What is opened here belongs to no operation. */
  private open(open: () => Promise<Connection>): Promise<Connection> {
    const opened = inContext(undefined, open);
    opened.then((connection) => this.keeping.onEnd?.(connection, () => this.drop(opened)), noop);
    return opened;
  }

  /** Nobody needs it for the time being. */
  private rest(): void {
    if (!this.isKept) return this.close();
    this.timer = setTimeout(() => this.close(), this.keeping.idle);
    this.timer.unref();
  }

  /** One that has failed is of no use, and neither is what it has not answered yet. */
  private drop(opened: Promise<Connection>): void {
    if (this.opened === opened) this.opened = undefined;
    opened.then((connection) => this.keeping.destroy(connection), noop);
  }

  /** Keeps no connection any more; what uses it may end. */
  close(): void {
    this.isKept = false;
    clearTimeout(this.timer);
    if (this.users > 0) return;
    const { opened } = this;
    this.opened = undefined;
    opened?.then((connection) => this.keeping.close(connection), noop);
    this.ended();
  }
}

/** The connections of one application that are opened when they are needed, one for each key. */
export class KeptConnections<Connection> {
  private readonly live = new Map<unknown, KeptConnection<Connection>>();
  private isClosed = false;

  constructor(private readonly keeping: Keeping<Connection>) {}

  /**
   * Lends a connection.
   *
   * @param work if it fails, the connection is not used again
   */
  use<Result>(
    key: unknown,
    open: () => Promise<Connection>,
    work: (opened: Promise<Connection>) => Promise<Result>,
  ): Promise<Result> {
    const kept = this.live.get(key) ?? this.add(key);
    const result = kept.use(open, work);
    if (this.isClosed) kept.close();
    return result;
  }

  private add(key: unknown): KeptConnection<Connection> {
    const made = new KeptConnection(this.keeping, () => {
      if (this.live.get(key) === made) this.live.delete(key);
    });
    this.live.set(key, made);
    return made;
  }

  close(): void {
    this.isClosed = true;
    for (const kept of [...this.live.values()]) kept.close();
  }
}
