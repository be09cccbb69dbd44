import { setTimeout } from 'node:timers/promises';
import type { ClusterLink } from '../cluster/cluster-link.js';
import type { Member } from '../cluster/members.js';
import type { Outcome } from '../cluster/question.js';
import { ClusterIncomplete, OperationConflict } from '../operation/operation-errors.js';
import { monotonicNow } from '../scope/clock.js';
import { isRecord } from '../scope/plain-object.js';
import type { ClusterAnswer } from './cluster-answer.js';
import {
  answerOf,
  askOwner,
  foundAt,
  isCancelAnswer,
  isRemoval,
  readable,
  refuseIncomplete,
} from './cluster-outcome.js';

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
    const asked = await askOwner(link, 'cancel', question, time);
    const outcome = readable(asked, isCancelAnswer);
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
    const removal = { id, scope, timeout: left() };
    const sent = await link.ask('cancelPending', removal, { to: at.id, timeout: left() });
    const taken = readable(sent, isRemoval);
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
function ownerIn(outcome: Outcome, isOver: boolean): CancelAnswer | undefined {
  const found = outcome.replies.flatMap(({ from, body }) => {
    if (!isCancelAnswer(body) || !body.found) return [];
    const isRemembered = body.remembered === true;
    return isOver || !isRemembered ? [{ from, isRemembered, canceled: body.canceled }] : [];
  });
  const owner =
    found.find(({ canceled }) => canceled) ??
    found.find(({ isRemembered }) => !isRemembered) ??
    found[0];
  if (owner === undefined) return undefined;
  const { from, isRemembered, canceled } = owner;
  // An id of its own may be in use again where nobody has answered.
  const answer = isRemembered ? answerOf(outcome) : foundAt(from);
  return { ...answer, canceled, owner: from.name };
}

function pendingIn({ replies }: Outcome): Pending | undefined {
  const known = replies.flatMap(({ from, body }) => {
    const ids = isRecord(body) ? body['pending'] : undefined;
    return Array.isArray(ids) && ids.length > 0 ? [{ from, ids: ids.map(String) }] : [];
  });
  const [first] = known.map(({ from }) => from).sort((a, b) => (a.id < b.id ? -1 : 1));
  return first && { ids: [...new Set(known.flatMap(({ ids }) => ids))], at: first };
}
