import { isRecord } from '../scope/plain-object.js';
import type { Percentiles } from './duration-histogram.js';
import type { AllSamples, NameStatistics, OperationStatistics, Samples } from './statistics.js';

/** What the statistics of one instance say, and what their percentiles come from. */
export interface InstanceStatistics {
  readonly statistics: OperationStatistics;
  readonly samples: AllSamples;
}

const BUSIEST = 100;
const TOTALS = ['live', 'zombies', 'refused', 'ignoredDeadlines'];

/** The numbers of all instances together; percentiles to about one percent of rank. */
export function mergeStatistics(parts: readonly InstanceStatistics[]): OperationStatistics {
  const all = parts.map(({ statistics }) => statistics);
  const sum = (read: (each: OperationStatistics) => number) =>
    all.reduce((total, each) => total + read(each), 0);
  return {
    live: sum(({ live }) => live),
    byStatus: addUp(all.map(({ byStatus }) => byStatus)) as OperationStatistics['byStatus'],
    byReason: addUp(all.map(({ byReason }) => byReason)),
    byName: mergeNames(all.map(({ byName }) => byName)),
    duration: percentilesOf(parts.map(({ samples }) => samples.duration)),
    cancelLatency: percentilesOf(parts.map(({ samples }) => samples.cancelLatency)),
    zombies: sum(({ zombies }) => zombies),
    refused: sum(({ refused }) => refused),
    ignoredDeadlines: sum(({ ignoredDeadlines }) => ignoredDeadlines),
  };
}

/** @returns whether another instance has sent statistics */
export function isInstanceStatistics(value: unknown): value is InstanceStatistics {
  if (!isRecord(value) || !isRecord(value['samples'])) return false;
  const { statistics, samples } = value;
  return (
    isRecord(statistics) &&
    TOTALS.every((key) => isNumber(statistics[key])) &&
    isRecord(statistics['byName']) &&
    Object.values(statistics['byName']).every(areNumbers) &&
    areNumbers(statistics['byStatus']) &&
    areNumbers(statistics['byReason']) &&
    isSamples(samples['duration']) &&
    isSamples(samples['cancelLatency'])
  );
}

function isSamples(value: unknown): boolean {
  return (
    isRecord(value) &&
    isNumber(value['count']) &&
    Array.isArray(value['values']) &&
    value['values'].every(isNumber)
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}

function areNumbers(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every(isNumber);
}

function addUp(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total = new Map<string, number>();
  for (const part of parts) {
    for (const [key, value] of Object.entries(part)) total.set(key, (total.get(key) ?? 0) + value);
  }
  return Object.fromEntries(total);
}

function mergeNames(
  parts: readonly Readonly<Record<string, NameStatistics>>[],
): Record<string, NameStatistics> {
  const names = new Map<string, Readonly<Record<string, number>>[]>();
  for (const [name, counters] of parts.flatMap((part) => Object.entries(part))) {
    names.set(name, [...(names.get(name) ?? []), counters]);
  }
  const merged = [...names].map(
    ([name, counters]) => [name, addUp(counters) as unknown as NameStatistics] as const,
  );
  const busiest = merged.sort(([, a], [, b]) => b.started - a.started).slice(0, BUSIEST);
  return Object.fromEntries(busiest);
}

function percentilesOf(parts: readonly Samples[]): Percentiles {
  const weighted = parts
    .filter(({ count, values }) => count > 0 && values.length > 0)
    .flatMap(({ count, values }) => values.map((value) => [value, count / values.length] as const))
    .sort(([a], [b]) => a - b);
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  const at = (percentile: number) => {
    let below = 0;
    for (const [value, weight] of weighted) {
      below += weight;
      if (below >= (total * percentile) / 100 - 1e-9) return value;
    }
    return 0;
  };
  return { p50: at(50), p95: at(95), p99: at(99) };
}
