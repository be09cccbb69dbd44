import type { StatisticsSample } from '../../api-types.js';

/** A line of a chart: what it is called, its colour, and its values, one per sample. */
export interface Line {
  readonly label: string;
  /** The name of a custom property of the styles. */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly title: string;
  /** How its values are to be read. */
  readonly unit: 'rate' | 'duration' | 'count';
  readonly lines: readonly Line[];
}

/** The last sample is about a span that is not over, and says little while that is short. */
const SHORTEST = 1_000;

export function usable(samples: readonly StatisticsSample[]): StatisticsSample[] {
  return samples.filter(({ span }) => span >= SHORTEST);
}

export function chartsOf(samples: readonly StatisticsSample[]): Chart[] {
  const rate = (of: (sample: StatisticsSample) => number) =>
    samples.map((sample) => (of(sample) * 1_000) / sample.span);
  const measured = (of: (sample: StatisticsSample) => number) =>
    samples.map((sample) => of(sample) || null);
  return [
    {
      title: 'Throughput by outcome',
      unit: 'rate',
      lines: [
        { label: 'completed', color: '--good', values: rate(({ completed }) => completed) },
        { label: 'failed', color: '--bad', values: rate(({ failed }) => failed) },
        { label: 'canceled', color: '--warn', values: rate(({ canceled }) => canceled) },
        { label: 'refused', color: '--muted', values: rate(({ refused }) => refused) },
      ],
    },
    {
      title: 'Live and zombies',
      unit: 'count',
      lines: [
        { label: 'live', color: '--accent', values: samples.map(({ live }) => live) },
        { label: 'zombies', color: '--bad', values: samples.map(({ zombies }) => zombies) },
      ],
    },
    {
      title: 'Duration',
      unit: 'duration',
      lines: percentiles((key) => measured(({ duration }) => duration[key])),
    },
    {
      title: 'Cancel latency',
      unit: 'duration',
      lines: percentiles((key) => measured(({ cancelLatency }) => cancelLatency[key])),
    },
    { title: 'Reasons', unit: 'rate', lines: reasons(samples, rate) },
  ];
}

/** Where values are that have none beside them. */
export function lonelyIn(values: ArrayLike<number | null | undefined>): number[] {
  const isNone = (index: number) => (values[index] ?? null) === null;
  const indexes = Array.from(values, (_value, index) => index);
  return indexes.filter((index) => !isNone(index) && isNone(index - 1) && isNone(index + 1));
}

function percentiles(values: (key: 'p50' | 'p95' | 'p99') => (number | null)[]): Line[] {
  return [
    { label: 'p50', color: '--accent', values: values('p50') },
    { label: 'p95', color: '--warn', values: values('p95') },
    { label: 'p99', color: '--bad', values: values('p99') },
  ];
}

const COLORS = 8;

function reasons(
  samples: readonly StatisticsSample[],
  rate: (of: (sample: StatisticsSample) => number) => number[],
): Line[] {
  const names = [...new Set(samples.flatMap(({ byReason }) => Object.keys(byReason)))].sort();
  return names.map((name, index) => ({
    label: name,
    color: `--series-${(index % COLORS) + 1}`,
    values: rate(({ byReason }) => (byReason as Record<string, number>)[name] ?? 0),
  }));
}
