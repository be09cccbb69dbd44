import { type ClusterLink } from '../cluster/cluster-link.js';
import { Encoded } from '../cluster/wire.js';
import type { OperationState } from '../operation/operation-state.js';
import { type OperationSnapshot, snapshotOf } from '../operation/snapshot.js';
import { type CancelOptions, CancelRecord } from '../scope/cancel-record.js';
import { cancelOrReached, cancelScope } from '../scope/cancel.js';
import { readCancelOptions } from '../scope/cancel-options.js';
import { wallNow } from '../scope/clock.js';
import { isRecord } from '../scope/plain-object.js';
import { Turns } from '../scope/turns.js';
import { decodeFilter, decodeScope } from './cluster-filter.js';
import { jsonWithin } from './cluster-json.js';
import { ALL, type Matcher } from './operation-filter.js';
import { both } from './registry-scope.js';
import { ownerOfId } from './operation-ids.js';
import type { OperationStore } from './operation-store.js';

/** Operations that are looked at between two looks at the clock. */
const STEP = 128;
/** Bytes after which a page ends: with a last operation, it stays below what a bus carries. */
const PAGE = 100_000;
/** Milliseconds that whoever asked may leave an answer lying. */
const PATIENCE = 15_000;
/** Milliseconds for which work is looked for outside, at most. */
const LONGEST_SEARCH = 60_000;
const MOST_OPEN = 200;

/** What is still to be sent of a long answer. */
interface OpenAnswer {
  readonly items: readonly (OperationState | OperationSnapshot)[];
  position: number;
  /** The number of the last page that was written, and the page: a question may come twice. */
  written: number;
  page: Encoded | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** A page of an answer. */
export interface Page {
  readonly items: readonly OperationSnapshot[];
  /** Names the rest, if there is one. */
  readonly more?: string;
  /** The wall clock of the instance, in milliseconds. */
  readonly now: number;
}

/** Answers what other instances ask of this one's operations. */
export function answerCluster(link: ClusterLink, live: OperationStore): void {
  const pages = new Pages(link, live);
  link.answerTo('list', async (body, from) => {
    const { filter, scope, from: where } = readBody(body);
    const matcher = both(decodeScope(scope), decodeFilter(filter));
    const items =
      where === 'history' ? live.history.list(matcher) : await matching(live, matcher, new Set());
    return pages.begin(items, from);
  });
  link.answerTo('page', (body, from) => {
    const { more, number } = readBody(body);
    return pages.next(String(more), Number(number), from);
  });
  link.answerTo('get', (body) => {
    const { id, scope } = readBody(body);
    const matcher = decodeScope(scope);
    const state = live.get(String(id));
    if (state !== undefined && matcher.matches(state))
      return new Encoded(jsonWithin(snapshotOf(state)));
    const remembered = live.history.find(String(id), matcher);
    return remembered === undefined ? null : new Encoded(jsonWithin(remembered));
  });
  link.answerTo(
    'cancel',
    (body) => {
      const { id, scope, cancel, timeout } = readBody(body);
      const matcher = decodeScope(scope);
      const state = live.get(String(id));
      if (state === undefined || !matcher.matches(state)) {
        return absent(live, String(id), matcher, patienceOf(timeout));
      }
      return { found: true, canceled: cancelScope(state, recordOf(cancel)) };
    },
    true,
  );
  link.answerTo(
    'cancelPending',
    async (body) => {
      const { id, scope, timeout } = readBody(body);
      return {
        canceled: await live.pending.cancel(String(id), decodeScope(scope), patienceOf(timeout)),
      };
    },
    true,
  );
  link.answerTo(
    'cancelAll',
    async (body) => {
      const { filter, scope, cancel, except } = readBody(body);
      const matcher = both(decodeScope(scope), decodeFilter(filter));
      const spared = new Set<unknown>(Array.isArray(except) ? (except as unknown[]) : []);
      const targets = await matching(live, matcher, spared);
      return { count: await cancelEach(targets, recordOf(cancel)) };
    },
    true,
  );
  link.answerTo('statistics', () => ({
    statistics: live.readStatistics(),
    samples: live.readSamples(),
  }));
  link.answerTo('about', () => null);
}

/** What is said of an id that no live operation has: whether it is over, or waits outside. */
async function absent(
  live: OperationStore,
  id: string,
  matcher: Matcher,
  timeout: number,
): Promise<object> {
  // An operation is no job: nobody has to look for it elsewhere.
  const pending = ownerOfId(id) === undefined ? await live.pending.find(id, matcher, timeout) : [];
  const isOver = live.history.find(id, matcher) !== undefined;
  return {
    found: isOver,
    canceled: false,
    ...(isOver ? { remembered: true } : undefined),
    ...(pending.length > 0 ? { pending } : undefined),
  };
}

/** Milliseconds that whoever asks waits, as far as that makes sense. */
function patienceOf(timeout: unknown): number {
  return typeof timeout === 'number' && timeout > 0 ? Math.min(timeout, LONGEST_SEARCH) : 1_000;
}

function readBody(body: unknown): Record<string, unknown> {
  if (!isRecord(body)) throw new TypeError('not a question');
  return body;
}

/** What another instance says of a cancel. @throws TypeError for what it cannot say */
function recordOf(data: unknown): CancelRecord {
  // What a later release says beside it is left aside.
  const { site, cause, reason: why, message: text, requestedBy: who } = readBody(data);
  const given = { reason: why, message: text, requestedBy: who } as CancelOptions;
  const { reason = 'manual', message, requestedBy } = readCancelOptions(given);
  return new CancelRecord(reason, message, {
    requestedBy,
    ...(isRecord(cause) ? { cause: errorOf(cause) } : undefined),
    ...(typeof site === 'string' ? { site: () => site } : undefined),
  });
}

function errorOf({ name, message }: Record<string, unknown>): Error {
  const error = new Error(String(message));
  error.name = String(name);
  delete error.stack;
  return error;
}

/** The live operations that match, oldest first, without ever keeping the event loop long. */
async function matching(
  live: OperationStore,
  { matches, limit, all }: Matcher,
  spared: ReadonlySet<unknown>,
): Promise<OperationState[]> {
  const states = live.list(ALL);
  const found: OperationState[] = [];
  const turns = new Turns(STEP);
  for (let index = states.length - 1; index >= 0 && found.length < limit; index--) {
    const state = states[index] as OperationState;
    const isSpared = spared.size > 0 && state.hasId && spared.has(state.id);
    if (!isSpared && isLive(state) && (all || matches(state))) found.push(state);
    if (turns.isOver()) await turns.next();
  }
  return found.reverse();
}

function isLive(state: OperationState): boolean {
  return state.listIndex >= 0;
}

async function cancelEach(
  targets: readonly OperationState[],
  record: CancelRecord,
): Promise<number> {
  let count = 0;
  const turns = new Turns();
  for (const state of targets) {
    if (cancelOrReached(state, record)) count++;
    if (turns.isOver()) await turns.next();
  }
  return count;
}

/** Answers that are too long for one message, of which those who ask take a page after the other. */
class Pages {
  private readonly open = new Map<string, OpenAnswer>();

  constructor(
    private readonly link: ClusterLink,
    private readonly live: OperationStore,
  ) {}

  async begin(
    items: readonly (OperationState | OperationSnapshot)[],
    from: string,
  ): Promise<Page | Encoded> {
    if (from === this.link.id) return this.whole(items);
    const answer = { items, position: 0, written: 0, page: undefined, timer: undefined };
    return this.write(answer, undefined, from);
  }

  /** @throws Error for an answer that is over */
  next(more: string, number: number, from: string): Encoded {
    const answer = this.open.get(`${from} ${more}`);
    if (answer?.written === number && answer.page !== undefined) return answer.page;
    if (answer?.written !== number - 1) throw new Error('the rest of this answer is gone');
    answer.written = number;
    return (answer.page = this.write(answer, more, from));
  }

  /** For this instance itself. */
  private async whole(items: readonly (OperationState | OperationSnapshot)[]): Promise<Page> {
    const snapshots: OperationSnapshot[] = [];
    const turns = new Turns();
    for (const item of items) {
      const snapshot = snapshotFrom(item);
      if (snapshot !== undefined) snapshots.push(snapshot);
      if (turns.isOver()) await turns.next();
    }
    return { items: snapshots, now: wallNow() };
  }

  private write(answer: OpenAnswer, known: string | undefined, from: string): Encoded {
    clearTimeout(answer.timer);
    const texts: string[] = [];
    const { items } = answer;
    const turns = new Turns();
    for (let size = 0; answer.position < items.length && size < PAGE; answer.position++) {
      const snapshot = snapshotFrom(items[answer.position] as OperationState);
      if (snapshot === undefined) continue;
      const text = jsonWithin(snapshot);
      texts.push(text);
      size += Buffer.byteLength(text);
      if (turns.isOver()) size = PAGE;
    }
    const isOver = answer.position >= items.length;
    const more = known ?? (isOver ? undefined : this.live.createId());
    if (more !== undefined) this.keep(`${from} ${more}`, answer);
    const rest = isOver ? '' : `,"more":${JSON.stringify(more)}`;
    return new Encoded(`{"items":[${texts.join(',')}],"now":${wallNow()}${rest}}`);
  }

  private keep(name: string, answer: OpenAnswer): void {
    answer.timer = setTimeout(() => this.open.delete(name), PATIENCE);
    answer.timer.unref();
    this.open.set(name, answer);
    if (this.open.size <= MOST_OPEN) return;
    const [oldest] = this.open.keys();
    if (oldest === undefined) return;
    clearTimeout(this.open.get(oldest)?.timer);
    this.open.delete(oldest);
  }
}

/** A live operation that has ended meanwhile is none. */
function snapshotFrom(item: OperationState | OperationSnapshot): OperationSnapshot | undefined {
  if (!('listIndex' in item)) return item;
  return isLive(item) ? snapshotOf(item) : undefined;
}
