import type { ClusterLink } from '../cluster/cluster-link.js';
import type { Member } from '../cluster/members.js';
import type { Outcome } from '../cluster/question.js';
import { ClusterIncomplete } from '../operation/operation-errors.js';
import type { OperationSnapshot } from '../operation/snapshot.js';
import { isRecord } from '../scope/plain-object.js';
import { type ClusterAnswer, isSnapshot } from './cluster-answer.js';
import { ownerOfId } from './operation-ids.js';

/** A question about one operation. */
export interface OwnerQuestion {
  readonly id: string;
  readonly scope: readonly unknown[];
}

/**
 * Asks the instance that an id names, or all of them.
 *
 * @param time milliseconds: for the answer, and for insisting on it afterwards
 */
export function askOwner(
  link: ClusterLink,
  topic: string,
  question: OwnerQuestion,
  time: { readonly timeout: number; readonly insist?: number },
): Promise<Outcome> {
  const owner = ownerOfId(question.id);
  const isKnown = owner === link.id || (owner !== undefined && link.knows(owner));
  return link.ask(topic, question, { ...time, to: isKnown ? owner : undefined });
}

/** An outcome in which answers that make no sense, perhaps of a later release, are none. */
export function readable(outcome: Outcome, isAnswer: (body: unknown) => boolean): Outcome {
  const replies = outcome.replies.map((reply) =>
    reply.problem === undefined && !isAnswer(reply.body)
      ? { ...reply, body: undefined, problem: 'what it answered cannot be read' }
      : reply,
  );
  return { ...outcome, replies };
}

/** Those that did not answer, or not with what can be used. */
function notHeard({ missing, replies }: Outcome): Member[] {
  const failed = replies.filter(({ problem }) => problem !== undefined);
  return [...missing, ...failed.map(({ from }) => from)];
}

/** What an answer calls its instances: of those that share a name, each has its id with it. */
export function namesIn({ expected }: Outcome): (member: Member) => string {
  const known = new Set<string>();
  const shared = new Set<string>();
  for (const { name } of expected) (known.has(name) ? shared : known).add(name);
  return ({ id, name }) => (shared.has(name) ? `${name} (${id})` : name);
}

export function answerOf(outcome: Outcome, lost: readonly Member[] = []): ClusterAnswer {
  const silent = new Set([...notHeard(outcome), ...lost].map(({ id }) => id));
  const nameOf = namesIn(outcome);
  return {
    complete: outcome.complete && silent.size === 0,
    expected: outcome.expected.map(nameOf),
    replied: outcome.expected.filter(({ id }) => !silent.has(id)).map(nameOf),
  };
}

/** Whoever has it has said so: nobody else needs to. */
export function foundAt({ name }: Member): ClusterAnswer {
  return { complete: true, expected: [name], replied: [name] };
}

/** @throws ClusterIncomplete that says who did not answer, or what failed there */
export function refuseIncomplete(outcome: Outcome, question: string, timeout: number): void {
  const { complete } = answerOf(outcome);
  if (complete) return;
  const missing = notHeard(outcome).map(namesIn(outcome));
  const why =
    missing.length > 0
      ? `no answer from ${missing.join(', ')} within ${timeout} ms`
      : 'the bus does not work';
  const failed = outcome.replies.find(({ problem }) => problem !== undefined);
  const problem = outcome.problem ?? (failed && `${failed.from.name}: ${failed.problem}`);
  const detail = problem === undefined ? '' : `; ${problem}`;
  throw new ClusterIncomplete(`It is not known ${question}: ${why}${detail}`, missing);
}

interface Found {
  readonly from: Member;
  readonly operation: OperationSnapshot;
}

/** The operation that was asked for: the one that is live, should another have had its id before. */
export function foundIn({ replies }: Outcome): Found | undefined {
  const found = replies.flatMap(({ from, body }) =>
    isSnapshot(body) ? [{ from, operation: body }] : [],
  );
  return found.find(({ operation }) => !isOver(operation)) ?? found[0];
}

export function isOver({ status }: OperationSnapshot): boolean {
  return status !== 'running' && status !== 'canceling';
}

interface CancelAnswer {
  readonly found: boolean;
  readonly canceled: boolean;
  readonly remembered?: unknown;
}

export function isCancelAnswer(body: unknown): body is CancelAnswer {
  return isRemoval(body) && typeof (body as { found?: unknown }).found === 'boolean';
}

export function isRemoval(body: unknown): body is { readonly canceled: boolean } {
  return isRecord(body) && typeof body['canceled'] === 'boolean';
}

export function isCount(body: unknown): body is { readonly count: number } {
  return isRecord(body) && Number.isSafeInteger(body['count']) && Number(body['count']) >= 0;
}
