import type { OperationState } from '../operation/operation-state.js';
import { startedSources } from '../operation/start-sources.js';
import { armedEntries } from '../scope/timers.js';
import { CancelationToken } from '../scope/token.js';
import { OperationRegistry } from '../registry/operation-registry.js';

/** The kinds of things that can leak. */
type Subject = OperationRegistry | CancelationToken;

/**
 * Fails when something of the library is left over: a live operation, a listener on a token, a
 * timer, a source. Call it at the end of a test, when all work is expected to be done.
 *
 * @param subjects registries whose operations must have left nothing, tokens nobody may listen to
 * any more: what belongs to others, to another test for one, does not count. Without any, all there
 * is in the process
 * @throws Error that names everything that is left
 * @example
 * afterEach(() => expectNoLeaks(app.get(OperationRegistry)));
 * @publicApi
 */
export function expectNoLeaks(...subjects: readonly Subject[]): void {
  const leaks = subjects.length === 0 ? leaksOf(undefined) : subjects.flatMap(leaksOfSubject);
  if (leaks.length > 0) throw new Error(`Something is left over:\n  ${leaks.join('\n  ')}`);
}

function leaksOfSubject(subject: Subject): string[] {
  if (subject instanceof OperationRegistry) {
    const operations = subject
      .list()
      .map(({ name, status, id }) => `the operation ${name} (${id}) is still ${status}`);
    return [...operations, ...leaksOf(OperationRegistry.liveOf(subject))];
  }
  const { listenerCount } = CancelationToken.scopeOf(subject);
  if (listenerCount === 0) return [];
  return [`a token still has ${listenerCount} listener${listenerCount === 1 ? '' : 's'}`];
}

/** @param host `undefined`: any, and what belongs to none */
function leaksOf(host: object | undefined): string[] {
  const isWanted = (state: OperationState | undefined) =>
    host === undefined || state?.host === host;
  const timers = armedEntries()
    .map(({ timedFor }) => timedFor as OperationState | undefined)
    .filter(isWanted)
    .map((state) => `a timer of ${describe(state)} is still armed`);
  const sources = startedSources()
    .filter(({ state }) => isWanted(state))
    .map(({ name, state }) => `the source ${name} of ${describe(state)} is still listening`);
  return [...timers, ...sources];
}

function describe(state: OperationState | undefined): string {
  return state === undefined ? 'a token' : `${state.name} (${state.id})`;
}
