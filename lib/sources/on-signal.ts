import { refuse } from '../core/read-options.js';
import type { CancelationSource } from '../core/source.js';

/** An operating system signal, by its name. */
type SignalName = `SIG${string}`;

/** One process listener per signal, however many operations wait for it. */
const waiting = new Map<string, Set<() => void>>();
const listeners = new Map<string, () => void>();

/**
 * Cancels when the process receives a signal, with reason `signal`. While something waits, the
 * signal does not do what it does by default (end the process); when the last one stops, it does
 * again.
 *
 * @param signals default: `SIGINT` and `SIGTERM`
 * @throws TypeError for what is no signal
 * @example
 * sources: [onSignal('SIGUSR2')]
 * @publicApi
 */
export function onSignal(...signals: readonly SignalName[]): CancelationSource {
  const wanted: readonly string[] = signals.length === 0 ? ['SIGINT', 'SIGTERM'] : signals;
  for (const signal of wanted) {
    if (typeof signal !== 'string' || !signal.startsWith('SIG') || FORBIDDEN.has(signal)) {
      refuse('onSignal()', signal, "the name of a signal that can be caught ('SIGUSR2', 'SIGHUP')");
    }
  }
  return {
    name: wanted.join(', '),
    start(trigger) {
      const stops = wanted.map((signal) =>
        wait(signal, () => trigger({ reason: 'signal', message: `received ${signal}` })),
      );
      return () => stops.forEach((stop) => stop());
    },
  };
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
