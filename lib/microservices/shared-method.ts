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

/**
 * One method of a foreign class, replaced once for all applications in the process that want it:
 * they come and go in any order, and the last one to go puts it back.
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
    prototype[name] = replaced;
    return {
      owners,
      restore: () => {
        // Somebody else may have put something on top: then this one, without owners, steps aside.
        if (prototype[name] === replaced) prototype[name] = below;
      },
    };
  }
}
