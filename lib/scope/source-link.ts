import { cancelScope } from './cancel.js';
import type { CancelRecord } from './cancel-record.js';
import type { Scope } from './scope.js';
import type { TokenSource } from './token-sources.js';

/**
 * What stands at the sources of a derived token while it listens to them. They hold the token while
 * somebody would hear of a cancel. For what Node made of its signal, they tell it for as long as it
 * lives, but do not hold it: sources may live for as long as the process.
 */
export class SourceLink {
  private held: Scope | undefined = undefined;
  private reference: WeakRef<Scope> | undefined = undefined;
  private readonly stops: (() => void)[] = [];

  get isOpen(): boolean {
    return this.stops.length > 0;
  }

  open(source: TokenSource): void {
    this.stops.push(source.listen(this.trigger));
  }

  close(): void {
    if (this.reference !== undefined) dropped.unregister(this);
    this.held = this.reference = undefined;
    for (const stop of this.stops.splice(0)) stop();
  }

  /** @param firmly whether the sources keep it alive */
  hold(scope: Scope, firmly: boolean): void {
    if (firmly) {
      this.held = scope;
      if (this.reference === undefined) return;
      // A listener for the end of something must not hold it.
      dropped.unregister(this);
      this.reference = undefined;
    } else if (this.reference === undefined) {
      this.held = undefined;
      this.reference = new WeakRef(scope);
      dropped.register(scope, this, this);
    }
  }

  private readonly trigger = (record: CancelRecord): void => {
    const scope = this.held ?? this.reference?.deref();
    if (scope !== undefined) cancelScope(scope, record);
  };
}

const dropped = new FinalizationRegistry<SourceLink>((link) => link.close());
