import type { DashboardInfo, FeedMessages, OperationPage } from '../../api-types.js';
import { ApiError, describeFailure, getJson } from './api.js';
import { clock } from './clock.js';
import { type Connection, FeedConnection } from './feed.js';
import { LiveOperations } from './operations.js';
import { Store } from './store.js';

const PAGE = 10_000;
/** Operations that the page holds at most. */
export const MOST_HELD = 50_000;
/** Milliseconds after which a list that failed is asked for again. */
const PAUSE = 3_000;

/** What the page knows of the application, and how. */
export class Session {
  readonly info = new Store<DashboardInfo | undefined>(undefined);
  /** Why nothing may be seen. */
  readonly denied = new Store<string | undefined>(undefined);
  readonly connection = new Store<Connection>('connecting');
  /** How many live; more than are held, where there are too many. */
  readonly total = new Store<number | undefined>(undefined);
  /** When the drain ends: milliseconds since the epoch, by the server's clock. */
  readonly drainEnds = new Store<number | undefined>(undefined);
  readonly live = new LiveOperations();

  private listing: AbortController | undefined;

  private readonly feed = new FeedConnection({
    connection: (state) => this.connected(state),
    message: (name, message) => {
      if (name === 'reset') void this.list();
      else if (name === 'changes') this.live.merge(message as FeedMessages['changes']);
      else this.inform(message as FeedMessages['info']);
    },
    mayReconnect: () => this.readInfo(),
  });

  async start(): Promise<void> {
    if (await this.readInfo()) this.feed.open();
  }

  private connected(state: Connection): void {
    const before = this.connection.get();
    this.connection.set(state);
    // It may be another process by now.
    if (state === 'live' && before === 'reconnecting') void this.readInfo();
  }

  /** @returns whether the feed may be read */
  private async readInfo(): Promise<boolean> {
    try {
      const info = await getJson<DashboardInfo>('info');
      this.info.set(info);
      this.inform(info);
      this.denied.set(undefined);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.isDenied) {
        this.deny(error.message);
        return false;
      }
      if (this.info.get() !== undefined) return true;
      this.connection.set('reconnecting');
      await new Promise((resolve) => window.setTimeout(resolve, PAUSE));
      return this.readInfo();
    }
  }

  private inform({ draining, graceLeft, now }: FeedMessages['info']): void {
    clock.adjust(now);
    const info = this.info.get();
    if (info !== undefined) this.info.set({ ...info, draining, graceLeft, now });
    this.drainEnds.set(draining ? now + (graceLeft ?? 0) : undefined);
  }

  private deny(message: string): void {
    this.feed.close();
    this.live.clear();
    this.denied.set(message);
  }

  private async list(): Promise<void> {
    this.listing?.abort();
    const { signal } = (this.listing = new AbortController());
    this.live.beginList();
    try {
      const operations: OperationPage['operations'][number][] = [];
      let total = 0;
      for (let offset: number | undefined = 0; offset !== undefined && offset < MOST_HELD;) {
        const params = { limit: String(PAGE), offset: String(offset), order: 'asc' };
        const page: OperationPage = await getJson<OperationPage>('operations', params, signal);
        operations.push(...page.operations);
        total = page.total;
        offset = page.next;
      }
      this.live.finishList(operations);
      this.total.set(total);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.isDenied) this.deny(describeFailure(error));
      else window.setTimeout(() => signal.aborted || void this.list(), PAUSE);
    }
  }
}

export const session = new Session();
