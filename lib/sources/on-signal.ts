import { constants } from 'node:os';
import { refuse } from '../scope/validate.js';
import type { CancelationSource } from './source.js';

/** An operating system signal, by its name. */
type SignalName = `SIG${string}`;

/** One process listener per signal, however many operations wait for it. */
const waiting = new Map<string, Set<() => void>>();
const listeners = new Map<string, () => void>();

/**
 * Cancels when the process receives a signal, with reason `signal`. While something waits, the
 * signal does not do what it does by default (end the process); when the last one stops, it does
 * again. One that ends the application too (`enableShutdownHooks()`) is warned of at the start.
 *
 * @param names default: `SIGINT` and `SIGTERM`
 * @throws TypeError for what is no signal
 * @example
 * sources: [onSignal('SIGWINCH')]
 * @publicApi
 */
export function onSignal(...names: readonly SignalName[]): CancelationSource {
  const wanted: readonly string[] = names.length === 0 ? ['SIGINT', 'SIGTERM'] : names;
  for (const signal of wanted) {
    if (!Object.hasOwn(constants.signals, signal) || FORBIDDEN.has(signal)) {
      refuse('onSignal()', signal, "the name of a signal that can be caught ('SIGUSR2', 'SIGHUP')");
    }
  }
  return listeningTo(wanted, {
    name: wanted.join(', '),
    start(trigger) {
      const stops = wanted.map((signal) =>
        wait(signal, () => trigger({ reason: 'signal', message: `received ${signal}` })),
      );
      return () => stops.forEach((stop) => stop());
    },
  });
}

/** The signals that a source listens to, for a warning at the start. */
const signals = new WeakMap<object, readonly string[]>();

export function signalsOf(source: unknown): readonly string[] {
  return (typeof source === 'object' && source !== null && signals.get(source)) || [];
}

/** Whether anything but sources listens to a signal: shutdown hooks, as a rule. */
export function isHeardElsewhere(signal: string): boolean {
  return process.listeners(signal as NodeJS.Signals).some((each) => each !== listeners.get(signal));
}

export function listeningTo<Source extends object>(
  names: readonly string[],
  source: Source,
): Source {
  if (names.length > 0) signals.set(source, names);
  return source;
}

const FORBIDDEN = new Set(['SIGKILL', 'SIGSTOP']);

function wait(signal: string, callback: () => void): () => void {
  let callbacks = waiting.get(signal);
  if (callbacks === undefined) {
    const all = (callbacks = new Set<() => void>());
    const listener = () => {
      for (const each of [...all]) each();
    };
    waiting.set(signal, all);
    listeners.set(signal, listener);
    process.on(signal, listener);
  }
  callbacks.add(callback);
  const own = callbacks;
  return () => {
    own.delete(callback);
    if (own.size > 0 || waiting.get(signal) !== own) return;
    process.removeListener(signal, listeners.get(signal) as () => void);
    waiting.delete(signal);
    listeners.delete(signal);
  };
}
