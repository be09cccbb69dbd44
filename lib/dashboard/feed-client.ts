import type { OperationSnapshot } from '../operation/snapshot.js';
import type { Access } from './access.js';
import type { DashboardOperation, FeedMessages } from './api-types.js';
import type { DashboardRequest } from './dashboard-options.js';
import type { EventSink } from './event-sink.js';
import type { FeedEntry, Gone } from './feed-log.js';

/** Operations that wait for a slow reader; beyond, it has to list anew. */
const MOST_WAITING = 5_000;

/**
 * One reader of the feed. It is written to when it has taken what was written before; meanwhile, the
 * latest of each operation is kept.
 */
export class FeedClient {
  private readonly waiting = new Map<string, OperationSnapshot>();
  private readonly gone = new Map<string, Gone>();
  private isLost = false;
  private sequence: number;

  /**
   * @param epoch what makes the ids of this process different from those of the one before
   * @param fail told of what the application's own functions throw, which ends the reading
   */
  constructor(
    private readonly sink: EventSink,
    private readonly request: DashboardRequest,
    private readonly access: Access,
    private readonly epoch: string,
    sequence: number,
    private readonly fail: (error: unknown) => void,
  ) {
    this.sequence = sequence;
    sink.onDrain(() => this.flush());
  }

  /** It has to list all operations. */
  reset(): void {
    this.waiting.clear();
    this.gone.clear();
    this.isLost = true;
    this.flush();
  }

  offer({ sequence, operations, gone }: FeedEntry): void {
    this.sequence = sequence;
    if (!this.isLost) {
      for (const operation of operations) this.waiting.set(operation.id, operation);
      for (const each of gone) {
        this.waiting.delete(each.id);
        this.gone.set(each.id, each);
      }
      if (this.waiting.size + this.gone.size > MOST_WAITING) {
        this.reset();
        return;
      }
    }
    this.flush();
  }

  inform(info: FeedMessages['info']): void {
    this.send('info', info);
  }

  heartbeat(): void {
    if (this.sink.isReady) this.sink.write(':\n\n');
  }

  end(): void {
    this.sink.end();
  }

  private flush(): void {
    try {
      this.write();
    } catch (error) {
      this.fail(error);
      this.end();
    }
  }

  private write(): void {
    if (!this.sink.isReady) return;
    if (this.isLost) {
      this.isLost = false;
      this.send('reset', { now: Date.now() });
      return;
    }
    if (this.waiting.size + this.gone.size === 0) return;
    const operations: DashboardOperation[] = [];
    for (const operation of this.waiting.values()) {
      const shown = this.access.show(operation, this.request);
      if (shown !== undefined) operations.push(shown);
    }
    const gone = [...this.gone.values()]
      .filter(
        ({ event }) => this.access.isOpen || this.access.canRead(event.operation, this.request),
      )
      .map(({ id }) => id);
    this.waiting.clear();
    this.gone.clear();
    if (operations.length + gone.length > 0) this.send('changes', { operations, gone });
  }

  private send<Name extends keyof FeedMessages>(name: Name, message: FeedMessages[Name]): void {
    const id = `${this.epoch}.${this.sequence}`;
    this.sink.write(`event: ${name}\nid: ${id}\ndata: ${JSON.stringify(message)}\n\n`);
  }
}
