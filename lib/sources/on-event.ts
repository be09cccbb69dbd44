import { refuse } from '../scope/validate.js';
import type { CancelationSource } from './source.js';

/** Node's emitters and the DOM's targets. */
interface Emitter {
  on?(event: string, listener: (...args: unknown[]) => void): unknown;
  listeners?(event: string): readonly unknown[];
  removeListener?(event: string, listener: (...args: unknown[]) => void): unknown;
  addEventListener?(event: string, listener: (event: unknown) => void): unknown;
  removeEventListener?(event: string, listener: (event: unknown) => void): unknown;
}

/**
 * Cancels when an emitter emits, with reason `condition`. An Error among the arguments becomes the
 * cause.
 *
 * @throws TypeError for what is no emitter
 * @example
 * sources: [onEvent(connection, 'close')]
 * @publicApi
 */
export function onEvent(emitter: object, event: string): CancelationSource {
  const target = emitter as Emitter;
  if (typeof target.on !== 'function' && typeof target.addEventListener !== 'function') {
    refuse('onEvent()', emitter, 'an EventEmitter or an EventTarget');
  }
  return {
    name: `event ${event}`,
    start(trigger) {
      return wait(target, event, (args) => {
        const cause = args.find((arg) => arg instanceof Error);
        trigger(cause === undefined ? {} : { cause });
      });
    },
  };
}

type Callback = (args: readonly unknown[]) => void;

/** The waiters for one event of one emitter. */
class Waiting {
  readonly callbacks = new Set<Callback>();
  readonly listener = (...args: unknown[]): void => {
    for (const callback of [...this.callbacks]) callback(args);
  };
}

/** One listener for all who wait: emitters warn of more than ten. */
const waiting = new WeakMap<Emitter, Map<string, Waiting>>();

function wait(target: Emitter, event: string, callback: Callback): () => void {
  let events = waiting.get(target);
  if (events === undefined) waiting.set(target, (events = new Map<string, Waiting>()));
  const known = events.get(event);
  const all = known ?? new Waiting();
  all.callbacks.add(callback);
  events.set(event, all);
  if (known === undefined || isDetached(target, event, all)) attach(target, event, all);
  return () => {
    if (!all.callbacks.delete(callback) || all.callbacks.size > 0) return;
    events.delete(event);
    if (typeof target.on === 'function') target.removeListener?.(event, all.listener);
    else target.removeEventListener?.(event, all.listener);
  };
}

function attach(target: Emitter, event: string, { listener }: Waiting): void {
  if (typeof target.on === 'function') target.on(event, listener);
  else target.addEventListener?.(event, listener);
}

/** Others may remove all listeners of an emitter. A target takes the same listener only once. */
function isDetached(target: Emitter, event: string, { listener }: Waiting): boolean {
  if (typeof target.on !== 'function') return true;
  return target.listeners?.(event).includes(listener) === false;
}
