import { startedSources } from '../core/start-sources.js';
import { armedTimers } from '../core/timers.js';
import { CancelationToken } from '../core/token.js';
import { OperationRegistry } from '../registry/operation-registry.js';

/** What can leak. */
type Subject = OperationRegistry | CancelationToken;

/**
 * Fails when something of the library is left over: a live operation, a listener on a token, a
 * timer, a source. Call it at the end of a test, when all work is expected to be done.
 *
 * @param subjects registries that must be empty, tokens nobody may listen to any more
 * @throws Error that names everything that is left
 * @example
 * afterEach(() => expectNoLeaks(app.get(OperationRegistry)));
 * @publicApi
 */
export function expectNoLeaks(...subjects: readonly Subject[]): void {
  const leaks: string[] = [];
  for (const subject of subjects) {
    if (subject instanceof OperationRegistry) {
      for (const { name, status, id } of subject.list()) {
        leaks.push(`the operation ${name} (${id}) is still ${status}`);
      }
    } else {
      const { listenerCount } = CancelationToken.scopeOf(subject);
      if (listenerCount > 0) leaks.push(`a token still has ${count(listenerCount, 'listener')}`);
    }
  }
  const timers = armedTimers();
  if (timers > 0) leaks.push(`${count(timers, 'timer')} of deadlines or zombies still armed`);
  for (const name of startedSources()) leaks.push(`the source ${name} is still listening`);
  if (leaks.length > 0) throw new Error(`Something is left over:\n  ${leaks.join('\n  ')}`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
