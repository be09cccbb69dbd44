import { describe, expect, it } from '@jest/globals';
import { OperationRegistry, type OperationSnapshot, type RunOptions } from 'nestjs-cancelable';

const registry = new OperationRegistry();
const run = (options: RunOptions | string) =>
  registry.run(options, (operation) => operation.snapshot());
const left = ({ deadline }: OperationSnapshot) => deadline !== undefined;

describe('options of run() that are the same for many operations', () => {
  it('hold for each call as it says, whatever an earlier call of that name said', async () => {
    expect(left(await run('work'))).toBe(false);
    expect(left(await run({ name: 'work', timeout: '1h' }))).toBe(true);
    expect(left(await run({ name: 'work' }))).toBe(false);
    expect((await run({ name: 'work', tags: ['a'] })).tags).toEqual(['a']);
    expect((await run({ name: 'work' })).tags).toEqual([]);
  });

  it('hold for more sets of options than are remembered', async () => {
    for (let hours = 1; hours <= 20; hours++) {
      const { deadline, startedAt } = await run({ name: 'many', timeout: `${hours}h` });
      const granted = Date.parse(deadline as string) - Date.parse(startedAt);
      expect(Math.round(granted / 3_600_000)).toBe(hours);
    }
  });

  it('settle as each call says', async () => {
    const settled = (settle: 'race' | 'wait') => {
      const work = registry.run({ name: 'stops', settle }, async (operation) => {
        operation.cancel();
        return settle;
      });
      return work.catch(() => 'released');
    };
    expect(await settled('wait')).toBe('wait');
    expect(await settled('race')).toBe('released');
    expect(await settled('wait')).toBe('wait');
  });

  it('are refused each time where they are not valid', async () => {
    for (let count = 0; count < 2; count++) {
      expect(() => run({ name: 'wrong', timeout: Number.NaN })).toThrow(/timeout/);
      expect(() => run({ name: 'wrong', settle: 'later' as 'wait' })).toThrow(/settle/);
    }
  });
});
