import { type Duration, parseDuration } from '../scope/duration.js';
import { bare, isRecord } from '../scope/plain-object.js';
import {
  checkOptions,
  countOf,
  readAnything,
  readOptions,
  refuse,
  readShare,
  readDuration,
} from '../scope/validate.js';

/**
 * Options of `simulateStream()`.
 *
 * @publicApi
 */
export interface SimulatedStreamOptions {
  /** Before each item. Default: none. */
  readonly delay?: Duration;
  /** How far each delay strays, as a share of it (0 to 1). Default: 0. */
  readonly jitter?: number;
  /** So many items without a delay, then a pause. Default: none. */
  readonly burst?: { readonly size: number; readonly pause: Duration };
  /** After so many items, nothing for so long; without `for`, nothing ever again. Default: none. */
  readonly stall?: { readonly after: number; readonly for?: Duration };
  /** Items come in arrays, of sizes chosen by weight. Default: one by one. */
  readonly chunks?: readonly { readonly size: number; readonly weight: number }[];
  /** Fails after so many items. Default: never. */
  readonly fail?: { readonly after: number; readonly error: unknown };
  /** The same seed gives the same stream. Default: 1. */
  readonly seed?: number;
}

/**
 * A source with the habits of a real one, for tests of what consumes it. Uses the timers that are
 * in use: fake ones too.
 *
 * @throws TypeError for impossible options
 * @example
 * const rows = simulateStream(range(1_000), { delay: '5ms', jitter: 0.5, stall: { after: 300 } });
 * @publicApi
 */
export function simulateStream<Item>(
  items: Iterable<Item>,
  options: SimulatedStreamOptions & {
    readonly chunks: NonNullable<SimulatedStreamOptions['chunks']>;
  },
): AsyncGenerator<Item[]>;
/**
 * An async iterable that behaves as badly as it is told to: slow, bursty, stalling, failing.
 *
 * @publicApi
 */
export function simulateStream<Item>(
  items: Iterable<Item>,
  options?: SimulatedStreamOptions,
): AsyncGenerator<Item>;
/**
 * An async iterable that behaves as badly as it is told to: slow, bursty, stalling, failing.
 *
 * @publicApi
 */
export function simulateStream(
  items: Iterable<unknown>,
  options: SimulatedStreamOptions = {},
): AsyncGenerator<unknown> {
  return generate(items, read(options));
}

async function* generate(
  items: Iterable<unknown>,
  options: SimulatedStreamOptions,
): AsyncGenerator<unknown> {
  const { chunks, seed = 1 } = options;
  const random = mulberry32(seed);
  const next = chunks === undefined ? () => 1 : () => pick(chunks, random());
  let chunk: unknown[] = [];
  let size = next();
  let delivered = 0;
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    await pace(options, delivered, random);
    delivered += chunk.length;
    yield chunks === undefined ? chunk[0] : chunk;
    chunk = [];
    size = next();
  }
  if (chunk.length === 0) return;
  await pace(options, delivered, random);
  yield chunk;
}

async function pace(
  { delay, jitter = 0, burst, stall, fail }: SimulatedStreamOptions,
  delivered: number,
  random: () => number,
): Promise<void> {
  if (fail !== undefined && delivered >= fail.after) throw fail.error;
  if (stall !== undefined && delivered === stall.after) {
    if (stall.for === undefined) await new Promise(() => {});
    else await pause(parseDuration(stall.for, 'stall'));
  }
  if (burst !== undefined) {
    if (delivered > 0 && delivered % burst.size === 0) {
      await pause(parseDuration(burst.pause, 'burst'));
    }
  } else if (delay !== undefined) {
    const milliseconds = parseDuration(delay, 'delay');
    await pause(milliseconds * (1 + jitter * (2 * random() - 1)));
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function pick(chunks: readonly { size: number; weight: number }[], chance: number): number {
  let left = chance * chunks.reduce((sum, { weight }) => sum + weight, 0);
  for (const { size, weight } of chunks) {
    left -= weight;
    if (left < 0) return size;
  }
  return chunks.at(-1)?.size ?? 1;
}

/** Tommy Ettinger's mulberry32 (2017, public domain): small, seeded, good enough for tests. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function read(options: SimulatedStreamOptions): SimulatedStreamOptions {
  const where = 'simulateStream()';
  const own = readOptions(options, where, {
    delay: readDuration,
    jitter: readShare,
    burst: (value, at) => checkOptions(value, at, { size: countOf(1), pause: readDuration }),
    stall: (value, at) => checkOptions(value, at, { after: countOf(0), for: readDuration }),
    chunks: (value, at) => {
      if (!Array.isArray(value) || value.length === 0)
        refuse(at, value, 'an array of { size, weight }');
      for (const each of value as unknown[])
        checkOptions(each, at, { size: countOf(1), weight: countOf(1) });
    },
    fail: (value, at) => checkOptions(value, at, { after: countOf(0), error: readAnything }),
    seed: countOf(0),
  });
  const parts = Object.entries(own).map(([key, value]: [string, unknown]) => [
    key,
    isRecord(value) ? bare(value) : value,
  ]);
  return bare(Object.fromEntries(parts) as SimulatedStreamOptions);
}
