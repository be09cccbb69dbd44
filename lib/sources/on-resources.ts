import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { monotonicNow } from '../scope/clock.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import { ownValue } from '../scope/plain-object.js';
import {
  checkOptions,
  readDuration,
  readOptions,
  readShare,
  readSpan,
  readText,
  refuse,
} from '../scope/validate.js';
import type { CancelationSource } from './source.js';

/**
 * Limits of `onResources()`. A share is a number from 0 to 1.
 *
 * @publicApi
 */
export interface ResourceLimits {
  /** Resident memory: a share of what the container or machine has (0 to 1). */
  readonly memory?: number;
  /** Used heap: a share of the heap's limit (0 to 1). */
  readonly heap?: number;
  /** CPU time of this process: a share of all cores (0 to 1). */
  readonly cpu?: number;
  /** Mean delay of the event loop since the last sample. */
  readonly eventLoopDelay?: Duration;
  /** Used space of the file system that holds `path`: a share (0 to 1). */
  readonly disk?: { readonly path: string; readonly used: number };
  /** How long a limit must be exceeded without a break. Default: one sample. */
  readonly sustained?: Duration;
  /** How often samples are taken; taking one does not block. Default: `'1s'`. */
  readonly every?: Duration;
}

/** Describes what one sample found above its limit; `undefined` for nothing. */
type Probe = () => string | undefined | Promise<string | undefined>;

/**
 * Cancels when a resource is used above its limit, with reason `condition`. A limit of 0 is always
 * exceeded.
 *
 * @throws TypeError for impossible limits
 * @example
 * sources: [onResources({ memory: 0.9, eventLoopDelay: '200ms', sustained: '10s' })]
 * @publicApi
 */
export function onResources(given: ResourceLimits): CancelationSource {
  const limits = readLimits(given);
  const every = parseDuration(limits.every ?? '1s', 'onResources(): every');
  const sustained =
    limits.sustained === undefined
      ? 0
      : parseDuration(limits.sustained, 'onResources(): sustained');
  return {
    name: 'resources',
    start(trigger) {
      const { probes, stop } = openProbes(limits);
      let since: number | undefined;
      let isOver = false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const sample = async () => {
        let found: string | undefined;
        let cause: unknown;
        try {
          for (const probe of probes) found ??= await probe();
        } catch (error) {
          cause = error;
        }
        if (isOver) return;
        const now = monotonicNow();
        since = found === undefined ? undefined : (since ?? now);
        if (cause !== undefined) trigger({ message: 'resources cannot be sampled', cause });
        else if (since !== undefined && now - since >= sustained)
          trigger({ message: found as string });
        else next();
      };
      const next = () => {
        timer = setTimeout(() => void sample(), every);
        timer.unref?.();
      };
      next();
      return () => {
        isOver = true;
        clearTimeout(timer);
        stop();
      };
    },
  };
}

function openProbes(limits: ResourceLimits): { probes: Probe[]; stop: () => void } {
  const { memory, heap, cpu, eventLoopDelay, disk } = limits;
  const probes: Probe[] = [];
  let delays: IntervalHistogram | undefined;
  if (memory !== undefined) {
    probes.push(() => above('memory', process.memoryUsage.rss() / availableMemory(), memory));
  }
  if (heap !== undefined) {
    probes.push(() => {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
      return above('heap', used / limit, heap);
    });
  }
  if (cpu !== undefined) probes.push(cpuProbe(cpu));
  if (eventLoopDelay !== undefined) {
    const limit = parseDuration(eventLoopDelay, 'onResources(): eventLoopDelay', { zero: true });
    const histogram = (delays = monitorEventLoopDelay({ resolution: 10 }));
    histogram.enable();
    probes.push(() => {
      const mean = histogram.count === 0 ? 0 : histogram.mean / 1e6;
      histogram.reset();
      return mean >= limit
        ? `event loop delay ${mean.toFixed(0)} ms, limit ${limit} ms`
        : undefined;
    });
  }
  if (disk !== undefined) {
    probes.push(async () => {
      const { blocks, bavail } = await statfs(disk.path);
      return above(`disk ${disk.path}`, 1 - bavail / blocks, disk.used);
    });
  }
  return { probes, stop: () => void delays?.disable() };
}

function cpuProbe(limit: number): Probe {
  let usage = process.cpuUsage();
  let moment = monotonicNow();
  return () => {
    const { user, system } = process.cpuUsage(usage);
    const now = monotonicNow();
    const share = (user + system) / 1_000 / (now - moment) / availableParallelism();
    usage = process.cpuUsage();
    moment = now;
    return above('cpu', share, limit);
  };
}

/** A container's limit where there is one, the machine's memory otherwise. */
function availableMemory(): number {
  const machine = totalmem();
  const constrained = process.constrainedMemory();
  return constrained !== undefined && constrained > 0 ? Math.min(constrained, machine) : machine;
}

function above(what: string, share: number, limit: number): string | undefined {
  if (share < limit) return undefined;
  const percent = (value: number) => `${Math.round(value * 100)} %`;
  return `${what} at ${percent(share)}, limit ${percent(limit)}`;
}

function readLimits(limits: ResourceLimits): ResourceLimits {
  const own = readOptions(limits, 'onResources()', {
    memory: readShare,
    heap: readShare,
    cpu: readShare,
    eventLoopDelay: readSpan,
    disk: (value, where) => {
      checkOptions(value, where, { path: readText, used: readShare });
      const given = value as object;
      if (ownValue(given, 'path') === undefined || ownValue(given, 'used') === undefined) {
        refuse(where, value, '{ path, used }');
      }
    },
    sustained: readDuration,
    every: readDuration,
  });
  const { sustained: _sustained, every: _every, ...rest } = own;
  if (Object.keys(rest).length === 0) {
    refuse('onResources()', limits, 'at least one of memory, heap, cpu, eventLoopDelay, disk');
  }
  return own;
}
