import { setTimeout } from 'node:timers/promises';
import type { ClusterLink } from '../cluster/cluster-link.js';
import type { Member } from '../cluster/members.js';
import type { Outcome } from '../cluster/question.js';
import { ClusterIncomplete, OperationConflict } from '../operation/operation-errors.js';
import { monotonicNow } from '../scope/clock.js';
import { isRecord } from '../scope/plain-object.js';
import type { ClusterAnswer } from './cluster-answer.js';
import { answerOf, askOwner, foundAt, refuseIncomplete } from './cluster-outcome.js';

/** Milliseconds for which a cancel that was not acknowledged is sent again. */
const INSISTING = 30_000;
/** Milliseconds until work that was between two places is looked for again. */
const AGAIN = 20;

type CancelAnswer = ClusterAnswer & {
  readonly canceled: boolean;
  readonly owner: string | undefined;
};

interface Cancel {
  readonly id: string;
  /** What is said of it. */
  readonly cancel: object;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Work that is no operation of those that know of it. */
interface Pending {
  /** Its whole names: more than one if the id that was given is short. */
  readonly ids: readonly string[];
  /** One that reaches it: the same for all who ask at a time, so that it is removed once. */
  readonly at: Member;
}

/**
 * Cancels an operation where it runs, or the work that waits to become one.
 *
 * @throws ClusterIncomplete, OperationConflict as `registry.cluster.cancel()`
 */
export async function cancelAnywhere(
  link: ClusterLink,
  scope: readonly unknown[],
  { id: given, cancel, timeout }: Cancel,
): Promise<CancelAnswer> {
  const end = monotonicNow() + timeout;
  const left = () => Math.max(1, end - monotonicNow());
  const unknown = `whether ${given} was canceled`;
  for (let id = given; ;) {
    const time = { timeout: left(), insist: INSISTING };
    const question = { id, scope, cancel, timeout: time.timeout };
    const outcome = await askOwner(link, 'cancel', question, time);
    const pending = pendingIn(outcome);
    const owner = ownerIn(outcome, pending === undefined);
    if (owner !== undefined) return owner;
    if (pending === undefined || pending.ids[0] !== id) refuseIncomplete(outcome, unknown, timeout);
    if (pending === undefined) return { ...answerOf(outcome), canceled: false, owner: undefined };

    const { ids, at } = pending;
    if (ids.length > 1) {
      throw new OperationConflict(`${given} is several: cancel one of ${ids.join(', ')}`);
    }
    if (ids[0] !== id) {
      // By its whole name, it may be an operation.
      id = ids[0] as string;
      continue;
    }
    const taken = await link.ask(
      'cancelPending',
      { id, scope, timeout: left() },
      { to: at.id, timeout: left() },
    );
    refuseIncomplete(taken, unknown, timeout);
    const isCanceled = taken.replies.some(
      ({ body }) => isRecord(body) && body['canceled'] === true,
    );
    if (isCanceled) return { ...foundAt(at), canceled: true, owner: at.name };
    if (left() <= AGAIN) {
      const message = `It is not known ${unknown}: it has begun where no instance answers for it`;
      throw new ClusterIncomplete(message, []);
    }
    await setTimeout(AGAIN, undefined, { ref: false });
  }
}

/**
 * @param isOver nothing of it waits: then whoever remembers it has it
 * @returns whoever has it
 */
function ownerIn({ replies }: Outcome, isOver: boolean): CancelAnswer | undefined {
  const found = replies.flatMap(({ from, body }) => {
    if (!isRecord(body) || body['found'] !== true) return [];
    return isOver || body['remembered'] !== true
      ? [{ from, canceled: body['canceled'] === true }]
      : [];
  });
  const owner = found.find(({ canceled }) => canceled) ?? found[0];
  return owner && { ...foundAt(owner.from), canceled: owner.canceled, owner: owner.from.name };
}

function pendingIn({ replies }: Outcome): Pending | undefined {
  const known = replies.flatMap(({ from, body }) => {
    const ids = isRecord(body) ? body['pending'] : undefined;
    return Array.isArray(ids) && ids.length > 0 ? [{ from, ids: ids.map(String) }] : [];
  });
  const [first] = known.map(({ from }) => from).sort((a, b) => (a.id < b.id ? -1 : 1));
  return first && { ids: [...new Set(known.flatMap(({ ids }) => ids))], at: first };
}
