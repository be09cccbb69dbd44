const BLOCKING = new Set([
  'blmove',
  'blmovem',
  'blmpop',
  'blpop',
  'brpop',
  'brpoplpush',
  'bzmpop',
  'bzpopmax',
  'bzpopmin',
  'wait',
  'waitaof',
]);

/**
 * Block with an option alone; the number of arguments before the first one that can be an option.
 */
const BLOCKING_WITH_OPTION = new Map([
  ['xread', 0],
  ['xreadgroup', 3],
]);

const OF_CONNECTION = new Set([
  'auth',
  'client',
  'discard',
  'exec',
  'hello',
  'monitor',
  'multi',
  'ping',
  'psubscribe',
  'punsubscribe',
  'quit',
  'readonly',
  'readwrite',
  'reset',
  'select',
  'ssubscribe',
  'subscribe',
  'sunsubscribe',
  'unsubscribe',
  'unwatch',
  'watch',
]);

/**
 * Whether a command may block its connection.
 *
 * @param name in lower case
 * @param first the index of its first argument
 */
export function mayBlock(name: string, args: readonly unknown[], first = 0): boolean {
  if (BLOCKING.has(name)) return true;
  const skipped = BLOCKING_WITH_OPTION.get(name);
  if (skipped === undefined) return false;
  for (let index = first + skipped; index < args.length; index++) {
    const option = String(args[index]).toLowerCase();
    if (option === 'block') return true;
    if (option === 'streams') return false;
  }
  return false;
}

/**
 * Whether a command is about its connection, which other callers use too: clients send such
 * commands themselves, at any time.
 *
 * @param name in lower case
 */
export function isOfConnection(name: string): boolean {
  return OF_CONNECTION.has(name);
}

/** The connections that have begun a transaction command by command, and not ended it. */
export class OpenTransactions {
  private readonly sessions = new WeakMap<object, unknown>();

  /**
   * Whether a command is queued by the server until the transaction is executed: then it does not
   * block, and must not be missing.
   *
   * @param session the server forgets the transaction when it ends
   */
  contains(client: object, session: unknown): boolean {
    return this.sessions.has(client) && this.sessions.get(client) === session;
  }

  /** @param name in lower case */
  note(client: object, session: unknown, name: string): void {
    if (name === 'multi') this.sessions.set(client, session);
    else if (ENDS.has(name)) this.sessions.delete(client);
  }
}

const ENDS = new Set(['discard', 'exec', 'reset']);
