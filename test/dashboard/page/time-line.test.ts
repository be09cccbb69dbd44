import { describe, expect, it } from '@jest/globals';
import { ticksOf, timeLineOf } from '../../../lib/dashboard/page/logic/time-line.js';
import { BEGIN, iso, operationOf } from './support.js';

describe('The time line', () => {
  const root = operationOf('root', { canceledAt: iso(800), deadline: iso(900) });
  const first = operationOf('first', {
    ...{ parentId: 'root', startedAt: iso(100), endedAt: iso(300) },
    ...{ deadline: iso(900), status: 'completed' },
  });
  const second = operationOf('second', {
    ...{ parentId: 'root', startedAt: iso(200), endedAt: iso(400), canceledAt: iso(250) },
  });
  const leaf = operationOf('leaf', { parentId: 'first', startedAt: iso(150), endedAt: iso(200) });
  const line = timeLineOf(root, [first, second, leaf], BEGIN + 1_000);

  it('lasts from the begin to the end of the last, or until now', () => {
    expect(line).toMatchObject({ from: BEGIN, span: 1_000 });
  });

  it('has what was begun below what began it', () => {
    expect(line.bars.map(({ operation, depth }) => [operation.id, depth])).toEqual([
      ['root', 0],
      ['first', 1],
      ['leaf', 2],
      ['second', 1],
    ]);
  });

  it('says when each ran, and when it waited for what it had begun', () => {
    expect(line.bars.map(({ run, waits }) => [run, waits])).toEqual([
      [[0, 1], [[0.1, 0.4]]],
      [[0.1, 0.3], [[0.15, 0.2]]],
      [[0.15, 0.2], []],
      [[0.2, 0.4], []],
    ]);
  });

  it('says where a cancel arrived, and of those that still ran, where the deadline is', () => {
    expect(line.bars.map(({ canceledAt, deadline }) => [canceledAt, deadline])).toEqual([
      [0.8, 0.9],
      [undefined, undefined],
      [undefined, undefined],
      [0.25, undefined],
    ]);
  });

  it('has round numbers on its axis, as many as there is room for', () => {
    expect(ticksOf(1_000)).toEqual([0, 200, 400, 600, 800]);
    expect(ticksOf(128_000)).toEqual([0, 30_000, 60_000, 90_000]);
    expect(ticksOf(1)).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
  });
});
