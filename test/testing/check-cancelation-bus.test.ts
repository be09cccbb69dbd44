import { describe, expect, it } from '@jest/globals';
import { type CancelationBus, localBus } from 'nestjs-cancelable';
import { checkCancelationBus } from 'nestjs-cancelable/testing';
import { thrown } from '../support/deferred.js';

/** A bus with one fault. */
function broken(fault: (bus: CancelationBus) => Partial<CancelationBus>): () => CancelationBus {
  return () => {
    const bus = localBus();
    const whole: CancelationBus = {
      name: 'broken',
      leases: bus.leases,
      open: (host) => bus.open(host),
      publish: (channel, message) => bus.publish(channel, message),
      subscribe: (channel, listener) => bus.subscribe(channel, listener),
      isHeard: (channel) => bus.isHeard(channel),
      close: () => bus.close(),
    };
    return Object.assign(whole, fault(bus));
  };
}

async function failuresOf(createBus: () => CancelationBus, patience = 100): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of checkCancelationBus(createBus, { patience, quiet: 20 })) {
    await run().catch((error: Error) => failed.push(`${name}: ${error.message}`));
  }
  return failed;
}

describe('checkCancelationBus()', () => {
  it.each<[string, (bus: CancelationBus) => Partial<CancelationBus>]>([
    [
      'delivers every kind of text',
      (bus) => ({ publish: (channel, message) => bus.publish(channel, message.trim()) }),
    ],
    [
      'delivers to no other channel',
      (bus) => ({
        publish: (channel, message) => bus.publish(channel.replaceAll(':', '.'), message),
        subscribe: (channel, listener) => bus.subscribe(channel.replaceAll(':', '.'), listener),
      }),
    ],
    ['stops for one listener', (bus) => ({ subscribe: keepListening(bus) })],
    ['delivers nothing once it is closed', () => ({ close: () => Promise.resolve() })],
    ['may be closed twice', (bus) => ({ publish: neverFails(bus) })],
    ['tells whether a channel is heard', () => ({ isHeard: () => Promise.resolve(true) })],
    ['tells whether a channel is heard', () => ({ isHeard: () => Promise.resolve(false) })],
    [
      'leases: gives a key to one',
      ({ leases }) => ({
        leases: { ...leases!, acquire: () => Promise.resolve(undefined) },
      }),
    ],
    [
      'leases: is given back by its holder',
      ({ leases }) => ({ leases: { ...leases!, release: () => Promise.resolve() } }),
    ],
    [
      'leases: is forced',
      ({ leases }) => ({
        leases: { ...leases!, acquire: (key, holder, time) => leases!.acquire(key, holder, time) },
      }),
    ],
    [
      'leases: takes a lease from',
      ({ leases }) => ({
        leases: {
          ...leases!,
          acquire: (key, holder, _time, force) => leases!.acquire(key, holder, 1e6, force),
        },
      }),
    ],
  ])('finds a bus that does not do what it says: %s', async (name, fault) => {
    const failures = await failuresOf(broken(fault));
    expect(failures).toContainEqual(expect.stringContaining(name));
    for (const failure of failures) expect(failure).toContain(': Expected ');
  });

  it('lets a bus without leases pass, and one that cannot tell who listens', async () => {
    const isHeard = () => Promise.resolve(undefined);
    const createBus = broken(() => ({ leases: undefined, isHeard }));
    expect(await failuresOf(createBus, 10_000)).toEqual([]);
  });

  it('refuses what it cannot use', () => {
    const check = checkCancelationBus as (...args: unknown[]) => unknown;
    expect(thrown(() => check(localBus())).message).toMatch(/an instance of LocalBus.*function/);
    expect(thrown(() => check(localBus, { patience: 'long' })).message).toContain('patience');
    expect(thrown(() => check(localBus, { paitence: '1s' })).message).toContain("'paitence'");
  });
});

function keepListening(bus: CancelationBus): CancelationBus['subscribe'] {
  return async (channel, listener) => {
    await bus.subscribe(channel, listener);
    return () => Promise.resolve();
  };
}

function neverFails(bus: CancelationBus): CancelationBus['publish'] {
  return (channel, message) => bus.publish(channel, message).catch(() => {});
}
