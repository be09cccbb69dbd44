import type { ClusterLeases } from '../cluster/cancelation-bus.js';
import { type BusTrial, expect, pause, type TrialCheck } from './bus-trial.js';

/** Milliseconds of a lease that is not to be lost while a check runs. */
const LONG = 60_000;
/** Milliseconds of a lease that is to be lost. */
const SHORT = 500;
const CONTENDERS = 50;

/** What a bus does with leases, if it has any. */
export const leaseChecks: readonly TrialCheck[] = [
  leaseCheck('gives a key to one of many that ask at once', async (trial, one, other) => {
    const key = trial.name();
    const answers = await Promise.all(
      Array.from({ length: CONTENDERS }, (_, index) =>
        (index % 2 === 0 ? one : other).acquire(key, `holder ${index}`, LONG),
      ),
    );
    const winners = answers.flatMap((former, index) => (former === undefined ? [index] : []));
    expect(winners.length === 1, `1 of ${CONTENDERS} to get the key, not ${winners.length}`);
    const losers = answers.filter((former) => former !== undefined);
    const isTold = losers.every((former) => former === `holder ${winners[0]}`);
    expect(isTold, 'the others to be told who holds it');
    await one.release(key, `holder ${winners[0]}`);
    const next = await other.acquire(key, 'next', LONG);
    expect(next === undefined, `the key to be free again, not held by ${next}`);
  }),
  leaseCheck('lets one holder in at a time, whoever asks', async (trial, one, other) => {
    const key = trial.name();
    let inside = 0;
    let most = 0;
    const enter = async (leases: ClusterLeases, holder: string) => {
      await trial.until(
        async () => (await leases.acquire(key, holder, LONG)) === undefined,
        `${holder} to get the key`,
      );
      most = Math.max(most, ++inside);
      await pause(1);
      inside--;
      await leases.release(key, holder);
    };
    const contenders = Array.from({ length: 10 }, (_, index) =>
      enter(index % 2 === 0 ? one : other, `holder ${index}`),
    );
    await Promise.all(contenders);
    expect(most === 1, `1 holder at a time, not ${most}`);
  }),
  leaseCheck('renews the lease of its own holder, and of no other', async (trial, one, other) => {
    const key = trial.name();
    await one.acquire(key, 'one', SHORT);
    expect((await other.acquire(key, 'other', LONG)) === 'one', 'the key to be held');
    expect((await one.acquire(key, 'one', LONG)) === undefined, 'its own holder to renew it');
    await pause(SHORT * 1.5);
    const holder = await other.acquire(key, 'other', LONG);
    expect(holder === 'one', `a renewed lease to hold, but it is ${holder ?? 'free'}`);
    await one.release(key, 'one');
  }),
  leaseCheck('takes a lease from a holder that does not renew it', async (trial, one, other) => {
    const key = trial.name();
    const began = performance.now();
    await one.acquire(key, 'one', SHORT);
    await trial.until(
      async () => (await other.acquire(key, 'other', LONG)) === undefined,
      'the lease to be lost',
    );
    const lasted = performance.now() - began;
    expect(lasted > SHORT * 0.9, `a lease of ${SHORT} ms to last, not ${lasted.toFixed()} ms`);
    expect((await one.acquire(key, 'one', LONG)) === 'other', 'the next holder to have it');
    await other.release(key, 'other');
  }),
  leaseCheck('is forced, and tells from whom', async (trial, one, other) => {
    const key = trial.name();
    const free = await one.acquire(key, 'one', LONG, true);
    expect(free === undefined, 'nobody to be told of when it was free');
    const own = await one.acquire(key, 'one', LONG, true);
    expect(own === undefined, 'nobody to be told of when it was its own');
    const former = await other.acquire(key, 'other', LONG, true);
    expect(former === 'one', `to be told of the former holder, not ${former}`);
    expect((await one.acquire(key, 'one', LONG)) === 'other', 'the key to be taken');
    await other.release(key, 'other');
  }),
  leaseCheck('is given back by its holder alone', async (trial, one, other) => {
    const key = trial.name();
    await one.release(key, 'one');
    await one.acquire(key, 'one', LONG);
    await other.release(key, 'other');
    expect((await other.acquire(key, 'other', LONG)) === 'one', 'the key to be held still');
    await one.release(key, 'one');
    expect((await other.acquire(key, 'other', LONG)) === undefined, 'the key to be free');
    await other.release(key, 'other');
  }),
  leaseCheck('takes any text for keys and holders', async (trial, one, other) => {
    const name = trial.name();
    const keys = ['', ' a b\r\n', '*>.%:', '{tag}', 'Grüße 👋', 'x'.repeat(500)];
    for (const key of keys.map((each) => `${name}${each}`)) {
      const holder = `holder of ${key}`;
      expect((await one.acquire(key, holder, LONG)) === undefined, `${key} to be free`);
      expect((await other.acquire(key, 'other', LONG)) === holder, `${holder} to be told of`);
      await one.release(key, holder);
    }
  }),
];

function leaseCheck(
  name: string,
  check: (trial: BusTrial, one: ClusterLeases, other: ClusterLeases) => Promise<void>,
): TrialCheck {
  return {
    name: `leases: ${name}`,
    async check(trial) {
      const { leases: one } = await trial.open();
      const { leases: other } = await trial.open();
      if (one !== undefined && other !== undefined) await check(trial, one, other);
    },
  };
}
