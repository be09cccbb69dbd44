import { describe, expect, it } from '@jest/globals';
import { Freshness } from '../../lib/cluster/freshness.js';

describe('numbers of signed messages', () => {
  const start = () => {
    let now = 0;
    const freshness = new Freshness('self', () => now);
    return {
      wait: (milliseconds: number) => (now += milliseconds),
      direct: (number: number, from = 'other') => freshness.isFresh(from, number, true),
      toAll: (number: number, from = 'other') => freshness.isFresh(from, number, false),
    };
  };

  it('say nothing of a sender that has not written to this instance alone', () => {
    const { direct, toAll } = start();
    expect(toAll(7)).toBeUndefined();
    expect(direct(5)).toBe(true);
    expect([toAll(4), toAll(5), direct(5)]).toEqual([false, false, false]);
    expect([toAll(7), toAll(6)]).toEqual([true, true]);
    expect([toAll(7), toAll(6), direct(6)]).toEqual([false, false, false]);
    expect(toAll(7, 'third')).toBeUndefined();
  });

  it('are known of what comes back to its sender', () => {
    const { toAll } = start();
    expect([toAll(1, 'self'), toAll(1, 'self'), toAll(2, 'self')]).toEqual([true, false, true]);
  });

  it('may be behind later ones for some seconds, and no longer', () => {
    const { direct, toAll, wait } = start();
    direct(1);
    expect([toAll(10), toAll(3)]).toEqual([true, true]);
    wait(10_000);
    expect([toAll(20), toAll(4)]).toEqual([true, true]);
    wait(10_000);
    expect([toAll(23), toAll(22), toAll(19)]).toEqual([true, true, false]);
    wait(1_000_000);
    expect([toAll(30), toAll(25), toAll(21)]).toEqual([true, true, false]);
  });

  it('are forgotten of whoever was silent longest, when there are ten thousand others', () => {
    const { direct, toAll } = start();
    for (let sender = 0; sender < 10_000; sender++) direct(1, `sender-${sender}`);
    expect(toAll(2, 'sender-0')).toBe(true);
    direct(1, 'one more');
    expect(toAll(2, 'sender-1')).toBeUndefined();
    expect([direct(1, 'sender-0'), direct(1, 'sender-9999')]).toEqual([false, false]);
  });
});
