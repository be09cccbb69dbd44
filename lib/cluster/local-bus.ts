import type { CancelationBus, ClusterLeases } from './cancelation-bus.js';

type Listener = (message: string) => void;

interface Lease {
  readonly holder: string;
  readonly timer: NodeJS.Timeout;
}

/** What the instances of one process share. */
class Exchange {
  readonly channels = new Map<string, Set<Listener>>();
  readonly leases = new Map<string, Lease>();
}

const exchange = new Exchange();

/**
 * A bus within one process: for tests, and for applications that share a process. The default
 * where `cluster` names none.
 *
 * @example
 * CancelableModule.forRoot({ cluster: { bus: localBus(), service: 'reports' } });
 * @publicApi
 */
export function localBus(): CancelationBus {
  return new LocalBus();
}

class LocalBus implements CancelationBus {
  readonly name = 'local';
  readonly leases: ClusterLeases = {
    acquire: (...lease) => Promise.resolve(acquire(...lease)),
    release: (key, holder) => {
      if (exchange.leases.get(key)?.holder === holder) drop(key);
      return Promise.resolve();
    },
  };
  private readonly stops = new Set<() => void>();
  private isOpen = false;

  open(): Promise<void> {
    this.isOpen = true;
    return Promise.resolve();
  }

  publish(channel: string, message: string): Promise<void> {
    if (!this.isOpen) return Promise.reject(new Error('localBus(): the bus is not open'));
    for (const listener of exchange.channels.get(channel) ?? []) {
      setImmediate(() => {
        if (exchange.channels.get(channel)?.has(listener) === true) listener(message);
      });
    }
    return Promise.resolve();
  }

  subscribe(channel: string, listener: Listener): Promise<() => Promise<void>> {
    const own: Listener = (message) => listener(message);
    const listeners = exchange.channels.get(channel) ?? new Set();
    exchange.channels.set(channel, listeners.add(own));
    const stop = () => {
      this.stops.delete(stop);
      listeners.delete(own);
      if (listeners.size === 0 && exchange.channels.get(channel) === listeners) {
        exchange.channels.delete(channel);
      }
    };
    this.stops.add(stop);
    return Promise.resolve(() => Promise.resolve(stop()));
  }

  isHeard(channel: string): Promise<boolean> {
    return Promise.resolve(exchange.channels.has(channel));
  }

  close(): Promise<void> {
    this.isOpen = false;
    for (const stop of [...this.stops]) stop();
    return Promise.resolve();
  }
}

function acquire(key: string, holder: string, time: number, force = false): string | undefined {
  const held = exchange.leases.get(key);
  const isTaken = held !== undefined && held.holder !== holder;
  if (isTaken && !force) return held.holder;
  drop(key);
  const timer = setTimeout(() => drop(key), time);
  timer.unref();
  exchange.leases.set(key, { holder, timer });
  return isTaken ? held.holder : undefined;
}

function drop(key: string): void {
  clearTimeout(exchange.leases.get(key)?.timer);
  exchange.leases.delete(key);
}
