import type { CauseSnapshot } from '../operation/cause-snapshots.js';
import type { DashboardSubject } from './dashboard-options.js';

const HIDDEN = 'another operation was canceled';
/** In place of a message that has the name of the parent in it. */
const BY_PARENT = 'the parent was canceled';

/**
 * An operation whose causes, message and error name no other operation that is not known.
 *
 * @param isKnown whether the operation of an id may be named
 */
export function withoutUnknown(
  operation: DashboardSubject,
  causes: readonly CauseSnapshot[],
  isKnown: (id: string) => boolean,
): DashboardSubject {
  const hidden: boolean[] = [];
  for (const { operationId } of causes) {
    // What belongs to no operation, such as an error, led to the one before it.
    hidden.push(operationId === undefined ? hidden.at(-1) === true : !isKnown(operationId));
  }
  if (!hidden.includes(true)) return operation;
  const left = causes.map((link, index) => {
    if (hidden[index] === true) return bareLink(link);
    return namesNext(link, hidden[index + 1]) ? { ...link, message: BY_PARENT } : link;
  });
  if (!namesNext(operation, hidden[0])) return { ...operation, causes: left };
  const { error } = operation;
  return {
    ...operation,
    causes: left,
    message: BY_PARENT,
    ...(error && { error: { name: error.name, message: BY_PARENT } }),
  };
}

function namesNext({ reason }: Pick<CauseSnapshot, 'reason'>, isNextHidden?: boolean): boolean {
  return reason === 'parent' && isNextHidden === true;
}

function bareLink({ reason }: CauseSnapshot): CauseSnapshot {
  return { ...(reason !== undefined && { reason }), message: HIDDEN };
}
