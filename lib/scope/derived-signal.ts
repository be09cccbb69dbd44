import { getEventListeners } from 'node:events';

/** The owner of a signal that is told of a cancel only while somebody listens. */
export interface SignalOwner {
  /** Aborts the signal if that is due. */
  isCanceled(): boolean;
  /**
   * @param isHeard somebody listens to the signal, or may do so through what was made of it
   * @param isCombined other signals were made of it, with `AbortSignal.any()`, and keep it
   */
  signalUsed(isHeard: boolean, isCombined: boolean): void;
}

type AddListener = AbortSignal['addEventListener'];
type RemoveListener = AbortSignal['removeEventListener'];

const OWNER = Symbol('owner');
const DEPENDENTS = Symbol('dependents');

/** Node's own methods run, and read what otherwise only `AbortSignal.any()` does. */
let isReading = false;

/**
 * The AbortSignal of a derived token. Nobody can be surprised by a signal that nobody listens to:
 * it looks when it is asked. So whatever it is derived from need not know of it, and it can be
 * dropped.
 */
class DerivedSignal extends AbortSignal {
  declare readonly [OWNER]: SignalOwner;
  declare readonly [DEPENDENTS]: Dependents;

  override get aborted(): boolean {
    this[OWNER].isCanceled();
    return quietly(() => super.aborted);
  }

  override get reason(): unknown {
    this[OWNER].isCanceled();
    return quietly(() => super.reason as unknown);
  }

  override throwIfAborted(): void {
    this[OWNER].isCanceled();
    quietly(() => super.throwIfAborted());
  }

  override addEventListener(...args: Parameters<AddListener>): void {
    // A listener is not called for what happened before it came.
    this[OWNER].isCanceled();
    quietly(() => super.addEventListener(...args));
    // A weak one is held by something else, and holds nothing.
    if (!isWeak(args[2])) tellOwner(this);
  }

  override removeEventListener(...args: Parameters<RemoveListener>): void {
    quietly(() => super.removeEventListener(...args));
    tellOwner(this);
  }
}

function quietly<Result>(read: () => Result): Result {
  const before = isReading;
  isReading = true;
  try {
    return read();
  } finally {
    isReading = before;
  }
}

Object.defineProperties(DerivedSignal.prototype, {
  // There is only one AbortSignal, by name.
  constructor: { value: AbortSignal, writable: true, configurable: true },
  onabort: {
    configurable: true,
    get(this: AbortSignal): unknown {
      return Reflect.get(AbortSignal.prototype, 'onabort', this);
    },
    set(this: DerivedSignal, handler: unknown) {
      quietly(() => Reflect.set(AbortSignal.prototype, 'onabort', handler, this));
      tellOwner(this);
    },
  },
});

function tellOwner(signal: DerivedSignal): void {
  const { [DEPENDENTS]: dependents } = signal;
  const isHeard = dependents.unknown > 0 || getEventListeners(signal, 'abort').some(isHandler);
  signal[OWNER].signalUsed(isHeard, dependents.size > 0);
}

/** A handler that `onabort = null` left behind calls nobody. */
function isHandler(listener: unknown): boolean {
  return (listener as { handler?: unknown }).handler !== null;
}

/** Listeners that Node ties to the life of another object. */
function isWeak(options: unknown): boolean {
  return (
    typeof options === 'object' &&
    options !== null &&
    Object.getOwnPropertySymbols(options).some(({ description }) => description === 'kWeak')
  );
}

/** The derived signals that a signal was made of: kept for as long as it is. */
const origins = new WeakMap<object, Set<AbortSignal>>();

/**
 * The signals that `AbortSignal.any()` made of one. Node holds them weakly, and they what they were
 * made of, so that a signal in between would be lost: they are made to keep it.
 */
class Dependents extends Set<WeakRef<object>> {
  /** How many were made and not yet added: from Node 24 on that comes with their first listener. */
  unknown = 0;

  constructor(private readonly signal: DerivedSignal) {
    super();
  }

  override add(reference: WeakRef<object>): this {
    super.add(reference);
    const dependent = reference.deref();
    if (dependent !== undefined) this.keepIn(dependent);
    tellOwner(this.signal);
    return this;
  }

  private keepIn(dependent: object): void {
    let kept = origins.get(dependent);
    if (kept === undefined) origins.set(dependent, (kept = new Set<AbortSignal>()));
    if (kept.has(this.signal)) return;
    kept.add(this.signal);
    this.unknown = Math.max(0, this.unknown - 1);
  }
}

/**
 * Node's keys for whether a signal was made of others, which `any()` asks, and for those made of
 * it.
 */
interface Keys {
  readonly composite: symbol;
  readonly dependents: symbol;
}

let keys: Keys | undefined;
let hasLooked = false;

function findKeys(): Keys | undefined {
  if (hasLooked) return keys;
  hasLooked = true;
  const { signal } = new AbortController();
  const made = AbortSignal.any([signal]);
  const listener = () => {};
  made.addEventListener('abort', listener);
  made.removeEventListener('abort', listener);
  const symbols = Object.getOwnPropertySymbols(signal);
  const composite = symbols.find(({ description }) => description === 'kComposite');
  const dependents = symbols.find(({ description }) => description === 'kDependantSignals');
  if (composite !== undefined && dependents !== undefined) keys = { composite, dependents };
  return keys;
}

const composite: PropertyDescriptor & ThisType<DerivedSignal> = {
  configurable: true,
  get() {
    if (!isReading) {
      this[DEPENDENTS].unknown++;
      tellOwner(this);
    }
    return false;
  },
};

/**
 * Makes a signal look at its owner when it is asked, and tell it who listens.
 *
 * @returns false where this Node, or what stands in for its signals, does not let one know:
 * somebody may be listening at any time
 */
export function deriveSignal(signal: AbortSignal, owner: SignalOwner): boolean {
  const found = findKeys();
  if (found === undefined || Object.getPrototypeOf(signal) !== AbortSignal.prototype) return false;
  Object.setPrototypeOf(signal, DerivedSignal.prototype);
  const dependents = new Dependents(signal as DerivedSignal);
  Object.defineProperties(signal, {
    [OWNER]: { value: owner },
    [DEPENDENTS]: { value: dependents },
    [found.composite]: composite,
    [found.dependents]: { value: dependents, writable: true, configurable: true },
  });
  return true;
}
