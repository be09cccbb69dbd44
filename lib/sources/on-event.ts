import { refuse } from '../core/read-options.js';
import type { CancelationSource } from '../core/source.js';

/** Node's emitters and the DOM's targets. */
interface Emitter {
  on?(event: string, listener: (...args: unknown[]) => void): unknown;
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
      const listener = (...args: unknown[]) => {
        const cause = args.find((arg) => arg instanceof Error);
        trigger(cause === undefined ? {} : { cause });
      };
      if (typeof target.on === 'function') {
        target.on(event, listener);
        return () => target.removeListener?.(event, listener);
      }
      target.addEventListener?.(event, listener);
      return () => target.removeEventListener?.(event, listener);
    },
  };
}
