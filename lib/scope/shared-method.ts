/** A method, whatever it takes. */
export type Method = (this: never, ...args: never[]) => unknown;

/** @param owners what each application wants, by the host of its operations */
type Wrap<Wrapped extends Method, Owner> = (
  below: Wrapped,
  owners: ReadonlyMap<object, Owner>,
) => Wrapped;

interface Replacement<Owner> {
  readonly owners: Map<object, Owner>;
  restore(): void;
}

/** What a replacement that nobody wants any more leads to; other copies of this package know it. */
const BELOW = Symbol.for('nestjs-cancelable.below');

interface Replaced {
  [BELOW]?: () => Method | undefined;
}

/**
 * One method of a foreign class, replaced once for all applications in the process that want it:
 * they come and go in any order, and the last one to go puts it back. What somebody else has put on
 * top of it stays, and then leads straight to the method as it was.
 */
export class SharedMethod<Name extends string, Wrapped extends Method, Owner extends object> {
  private readonly replacements = new WeakMap<object, Replacement<Owner>>();

  constructor(
    private readonly name: Name,
    private readonly wrap: Wrap<Wrapped, Owner>,
  ) {}

  /** @returns takes it back */
  replaceOn(prototype: object, host: object, owner: Owner): () => void {
    let found = this.replacements.get(prototype);
    if (found === undefined) {
      found = this.replace(prototype as Record<Name, Wrapped>);
      this.replacements.set(prototype, found);
    }
    const replacement = found;
    const { owners } = replacement;
    owners.set(host, owner);
    return () => {
      if (owners.get(host) !== owner) return;
      owners.delete(host);
      if (owners.size > 0) return;
      this.replacements.delete(prototype);
      replacement.restore();
    };
  }

  private replace(prototype: Record<Name, Wrapped>): Replacement<Owner> {
    const { name } = this;
    const owners = new Map<object, Owner>();
    const below = prototype[name];
    const replaced = this.wrap(below, owners);
    Object.defineProperties(replaced, {
      name: { value: below.name, configurable: true },
      length: { value: below.length, configurable: true },
      [BELOW]: { value: () => (owners.size === 0 ? below : undefined) },
    });
    prototype[name] = replaced;
    return {
      owners,
      restore: () => {
        // Somebody else may have put something on top: then this one, without owners, steps aside.
        if (prototype[name] === replaced) prototype[name] = wanted(below);
      },
    };
  }
}

/** The object in a chain of prototypes that has a method of its own. */
export function ownerOf(start: object, method: string): object {
  let owner = start;
  while (!Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner) as object;
  return owner;
}

/** @returns takes back all that was done, the last first */
export function undoing(steps: readonly (() => void)[]): () => void {
  return () => {
    for (const step of [...steps].reverse()) step();
  };
}

/** The method below all replacements of this package that nobody wants any more. */
function wanted<Wrapped extends Method>(method: Wrapped): Wrapped {
  const below = (method as Replaced)[BELOW]?.() as Wrapped | undefined;
  return below === undefined ? method : wanted(below);
}
