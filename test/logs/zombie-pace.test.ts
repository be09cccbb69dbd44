import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';
import { MemoryLog } from '../support/memory-log.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function start() {
  const log = new MemoryLog();
  const registry = new OperationRegistry({ logger: log, zombies: { after: 10 } });
  /** Operations that do not stop: they are zombies when this is over. */
  const linger = async (...names: string[]) => {
    for (const name of names) {
      registry.spawn(name, () => new Promise(() => {})).result.catch(() => {});
    }
    registry.cancelAll({});
    await jest.advanceTimersByTimeAsync(10);
  };
  /** What was said since the last time, without the advice. */
  const said = () =>
    log.warnings.splice(0).map((line) => line.replace(/ (was|were|is) .*|still.*/s, ''));
  return { log, linger, said };
}

describe('the lines about zombies', () => {
  it('are one, and how many more there are a second later, one if it is one', async () => {
    const { log, linger, said } = start();
    await linger('stuck', 'stuck', 'stuck', 'stuck');
    expect(log.warnings).toHaveLength(1);
    expect(said()).toEqual(['stuck']);
    await jest.advanceTimersByTimeAsync(980);
    expect(said()).toEqual([]);
    await jest.advanceTimersByTimeAsync(20);
    expect(said()).toEqual(['3 more of stuck']);
    await linger('stuck');
    expect(said()).toEqual([]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(said()).toEqual(['stuck']);
    // Nothing is left to be said, and what comes later is said at once.
    await jest.advanceTimersByTimeAsync(5_000);
    expect(said()).toEqual([]);
    await linger('stuck');
    expect(said()).toEqual(['stuck']);
  });

  it('wait for none of another name', async () => {
    const { linger, said } = start();
    await linger('one');
    await linger('other');
    expect(said()).toEqual(['one', 'other']);
  });

  it('do not go on for ever although zombies come all the time', async () => {
    const { linger, said } = start();
    for (let time = 0; time < 5_000; time += 10) await linger('stuck');
    const lines = said();
    expect(lines.length).toBeGreaterThanOrEqual(4);
    expect(lines.length).toBeLessThanOrEqual(6);
  });

  it('have one pace for all names beyond a hundred, until these are quiet', async () => {
    const { linger, said } = start();
    const names = Array.from({ length: 103 }, (_, index) => `report ${index}`);
    await linger(...names);
    expect(said()).toEqual(names.slice(0, 101));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(said()).toEqual(['2 more of other names']);
    await jest.advanceTimersByTimeAsync(1_000);
    await linger('another');
    await linger('and another');
    expect(said()).toEqual(['another', 'and another']);
  });

  it('share a pace for names that are too long, which are cut', async () => {
    const { log, linger } = start();
    await linger('a'.repeat(300));
    await linger('b'.repeat(300), 'c'.repeat(300));
    expect(log.warnings).toHaveLength(1);
    expect(log.warnings[0]).toMatch(/^a{256}… is still/);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(log.warnings[1]).toMatch(/^2 more of other names were/);
  });
});
