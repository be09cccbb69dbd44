/** Names come from users: what is said of more than these is not said. */
const MOST_NAMES = 1_000;

/** Messages that an application is told once for each name. */
export class SaidOnce {
  private readonly names = new WeakMap<object, Set<string>>();

  /** @returns whether it is the first time, for this application and name */
  isFirst(host: object, name: string): boolean {
    let names = this.names.get(host);
    if (names === undefined) this.names.set(host, (names = new Set()));
    if (names.has(name) || names.size >= MOST_NAMES) return false;
    names.add(name);
    return true;
  }
}
