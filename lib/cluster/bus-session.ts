/** Milliseconds after which an answer of a server is no longer expected. */
export const ANSWER_LIMIT = 2_000;
/** Milliseconds that connections may take to open. */
export const OPENING_LIMIT = 5_000;

/** What a bus does over its connections, whichever library they are of. */
export interface BusSession {
  publish(channel: string, message: string): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  /** `undefined`: it cannot be told. */
  isHeard(channel: string): Promise<boolean | undefined>;
}

/** Opens the connections of a session. What fails afterwards is told to them. */
export type OpenSession<Session extends BusSession> = (
  connections: BusConnections,
) => Promise<Session>;

/** The connections of one session: once one is lost, all are closed, and others are opened. */
export class BusConnections {
  /** Settles once they are lost, or closed. */
  readonly over: Promise<void>;
  /** What the first of them failed with. */
  error: unknown = undefined;
  isOver = false;
  private readonly closers: (() => void)[] = [];
  private markOver!: () => void;

  constructor(readonly received: (channel: string, message: string) => void) {
    this.over = new Promise((resolve) => (this.markOver = resolve));
  }

  /** @param close closes one of them at once, in whatever state it is */
  add(close: () => void): void {
    if (this.isOver) close();
    else this.closers.push(close);
  }

  fail(error: unknown): void {
    if (this.isOver) return;
    this.error = error;
    this.close();
  }

  close(): void {
    this.isOver = true;
    this.markOver();
    for (const close of this.closers.splice(0)) close();
  }
}
