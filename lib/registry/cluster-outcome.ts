import type { ClusterLink } from '../cluster/cluster-link.js';
import type { Member } from '../cluster/members.js';
import type { Outcome } from '../cluster/question.js';
import { ClusterIncomplete } from '../operation/operation-errors.js';
import type { ClusterAnswer } from './cluster-answer.js';
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

/** Those that did not answer, or not with what can be used. */
function notHeard({ missing, replies }: Outcome): Member[] {
  const failed = replies.filter(({ problem }) => problem !== undefined);
  return [...missing, ...failed.map(({ from }) => from)];
}

export function answerOf(outcome: Outcome, lost: readonly Member[] = []): ClusterAnswer {
  const silent = new Set([...notHeard(outcome), ...lost].map(({ id }) => id));
  const names = (members: readonly Member[]) => members.map(({ name }) => name);
  return {
    complete: outcome.complete && silent.size === 0,
    expected: names(outcome.expected),
    replied: names(outcome.expected.filter(({ id }) => !silent.has(id))),
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
  const missing = notHeard(outcome).map(({ name }) => name);
  const why =
    missing.length > 0
      ? `no answer from ${missing.join(', ')} within ${timeout} ms`
      : 'the bus does not work';
  const failed = outcome.replies.find(({ problem }) => problem !== undefined);
  const problem = outcome.problem ?? (failed && `${failed.from.name}: ${failed.problem}`);
  const detail = problem === undefined ? '' : `; ${problem}`;
  throw new ClusterIncomplete(`It is not known ${question}: ${why}${detail}`, missing);
}
