import type { ClusterLink } from '../cluster/cluster-link.js';
import type { Member } from '../cluster/members.js';
import type { Outcome, Reply } from '../cluster/question.js';
import { wallNow } from '../scope/clock.js';
import { isRecord } from '../scope/plain-object.js';
import { Turns } from '../scope/turns.js';
import { type ClusterOperation, isSnapshot } from './cluster-answer.js';

/** Operations that are moved between two looks at the clock. */
const STEP = 256;

/** An operation and when it began, by the clock of this instance. */
interface Dated {
  readonly operation: ClusterOperation;
  readonly begun: number;
}

/** All operations that answers have, those of their further pages too, oldest first. */
export async function collectPages(
  link: ClusterLink,
  { replies }: Outcome,
  timeout: number,
  limit = Infinity,
): Promise<{ operations: ClusterOperation[]; lost: Member[] }> {
  const lost: Member[] = [];
  const lists = await Promise.all(
    replies.map((reply) => collect(link, reply, timeout, () => lost.push(reply.from))),
  );
  const operations = await mergeAll(lists);
  if (limit === Infinity) return { operations, lost };
  return { operations: limit === 0 ? [] : operations.slice(-limit), lost };
}

async function collect(
  link: ClusterLink,
  { from, body, problem }: Reply,
  timeout: number,
  onLost: () => void,
): Promise<Dated[]> {
  const found: Dated[] = [];
  let page = body;
  let ahead: number | undefined;
  for (let number = 1; problem === undefined; number++) {
    if (!isRecord(page) || !Array.isArray(page['items']) || typeof page['now'] !== 'number') {
      onLost();
      return found;
    }
    ahead ??= page['now'] - wallNow();
    const { items, more } = page;
    await addAll(items as unknown[], from, ahead, found);
    const isWhole = (items as unknown[]).every(isSnapshot);
    if (isWhole && more === undefined) return found;
    // A page without an operation is the last one: the next would lead nowhere.
    if (!isWhole || typeof more !== 'string' || (items as unknown[]).length === 0) {
      onLost();
      return found;
    }
    const { replies } = await link.ask('page', { more, number }, { to: from.id, timeout });
    page = replies[0]?.problem === undefined ? replies[0]?.body : undefined;
  }
  return found;
}

async function addAll(
  items: readonly unknown[],
  { name }: Member,
  ahead: number,
  found: Dated[],
): Promise<void> {
  const turns = new Turns(STEP);
  for (const item of items) {
    if (isSnapshot(item)) {
      const operation = Object.assign(item, { instance: name });
      found.push({ operation, begun: Date.parse(item.startedAt) - ahead });
    }
    if (turns.isOver()) await turns.next();
  }
}

/** Each list is in order; by halves, so that each entry is moved a few times. */
async function mergeAll(lists: readonly Dated[][]): Promise<ClusterOperation[]> {
  let rest = lists.filter(({ length }) => length > 0);
  while (rest.length > 1) {
    const merged: Dated[][] = [];
    for (let index = 0; index < rest.length; index += 2) {
      const [first = [], second = []] = rest.slice(index, index + 2);
      merged.push(second.length === 0 ? first : await merge(first, second));
    }
    rest = merged;
  }
  return (rest[0] ?? []).map(({ operation }) => operation);
}

async function merge(first: readonly Dated[], second: readonly Dated[]): Promise<Dated[]> {
  const merged: Dated[] = [];
  const turns = new Turns(STEP);
  let left = 0;
  let right = 0;
  while (left < first.length || right < second.length) {
    const a = first[left];
    const b = second[right];
    if (b === undefined || (a !== undefined && a.begun <= b.begun)) {
      merged.push(a as Dated);
      left++;
    } else {
      merged.push(b);
      right++;
    }
    if (turns.isOver()) await turns.next();
  }
  return merged;
}
