import { describe, expect, it } from '@jest/globals';
import { chartsOf, lonelyIn } from '../../../lib/dashboard/page/logic/series.js';

describe('The values of a chart', () => {
  it.each([
    [[], []],
    [[1], [0]],
    [[1, 2, null, 3, null], [3]],
    [[null, 4, null, null, 5, 6], [1]],
    [
      [7, undefined, 8],
      [0, 2],
    ],
  ])('are alone between gaps: %j', (values, alone) => {
    expect(lonelyIn(values)).toEqual(alone);
  });

  it('are none where nothing ended', () => {
    const nothing = { p50: 0, p95: 0, p99: 0 };
    const sample = {
      ...{ at: 5_000, span: 5_000, live: 0, zombies: 0, started: 0, completed: 0, failed: 0 },
      ...{ canceled: 0, refused: 0, byReason: {}, duration: nothing, cancelLatency: nothing },
    };
    const some = { ...sample, duration: { p50: 1, p95: 2, p99: 3 } };
    const duration = chartsOf([some, sample, some]).find(({ title }) => title === 'Duration');
    expect(duration?.lines.map(({ values }) => values)).toEqual([
      [1, null, 1],
      [2, null, 2],
      [3, null, 3],
    ]);
  });
});
