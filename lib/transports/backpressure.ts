import { monotonicNow } from '../scope/clock.js';
import { parseDuration, type Duration } from '../scope/duration.js';
import { bare } from '../scope/plain-object.js';
import { checkOptions, refuse, readDuration } from '../scope/validate.js';

/**
 * What callers that read slowly may cost, where items are sent one by one: messages of WebSockets
 * and microservices.
 *
 * @publicApi
 */
export interface StreamLimits {
  /**
   * Bytes that may wait for a WebSocket client. What pushes, an Observable, is canceled above it.
   * Default: 4 MiB.
   */
  maxBuffered?: number;
  /**
   * How long an async generator is held back for a caller that takes nothing, before it is
   * canceled. Default: `'30s'`.
   */
  patience?: Duration;
}

export interface StreamSettings {
  readonly maxBuffered: number;
  /** Milliseconds. */
  readonly patience: number;
}

const DEFAULTS: Required<StreamLimits> = { maxBuffered: 4 * 1024 * 1024, patience: '30s' };

/** Generators are held back while so many bytes wait to be taken. */
const HIGH_WATER = 64 * 1024;
/** The least number of bytes that a waiting message counts for. */
const LEAST_SIZE = 1024;
/**
 * How often to look whether there is room again, in milliseconds: at first at once, then less and
 * less.
 */
const LONGEST_PAUSE = 50;

/** @throws TypeError that says what was given and what is allowed */
export function checkStreamLimits(options: unknown, where: string): void {
  checkOptions(options, where, {
    maxBuffered: (value, at) => {
      if (!Number.isSafeInteger(value) || (value as number) < 1) {
        refuse(at, value, 'a whole number of bytes, at least 1');
      }
    },
    patience: readDuration,
  });
}

export function readStreamLimits(limits: StreamLimits = bare({})): StreamSettings {
  const { maxBuffered, patience } = limits;
  return {
    maxBuffered: maxBuffered ?? DEFAULTS.maxBuffered,
    patience: parseDuration(patience ?? DEFAULTS.patience, 'streams.patience'),
  };
}

/** The fields of a connection that tell how much it still has to send. */
export interface SendingSource {
  /** ws. */
  readonly bufferedAmount?: unknown;
  /** Node's streams. */
  readonly writableNeedDrain?: unknown;
  /** socket.io: the connection of engine.io below. */
  readonly conn?: {
    readonly writeBuffer?: readonly { readonly data?: unknown }[];
    readonly transport?: {
      readonly writable?: boolean;
      readonly socket?: { readonly bufferedAmount?: unknown };
    };
  };
}

/** Whether a connection takes more. */
export function hasRoom(source: SendingSource): boolean {
  return source.writableNeedDrain !== true && bufferedBytes(source, HIGH_WATER) < HIGH_WATER;
}

/**
 * How many bytes wait in a WebSocket, about.
 *
 * @param enough where counting may stop
 */
export function bufferedBytes({ bufferedAmount, conn }: SendingSource, enough: number): number {
  if (typeof bufferedAmount === 'number') return bufferedAmount;
  const transport = conn?.transport;
  const below = transport?.socket?.bufferedAmount;
  let bytes = typeof below === 'number' ? below : 0;
  if (transport?.writable === true) return bytes;
  for (const { data } of conn?.writeBuffer ?? []) {
    if (bytes >= enough) break;
    bytes += Math.max(LEAST_SIZE, (data as { length?: number } | undefined)?.length ?? 0);
  }
  return bytes;
}

/**
 * Waits for room. Libraries have no event in common that tells of it.
 *
 * @param goesOn whether there is still a reason to wait
 * @returns whether there was room, or no reason any more, before the patience was over
 */
export async function untilRoom(patience: number, goesOn: () => boolean): Promise<boolean> {
  const end = monotonicNow() + patience;
  for (let pause = 0; goesOn(); pause = Math.min(pause * 2 + 1, LONGEST_PAUSE)) {
    if (monotonicNow() >= end) return false;
    await new Promise<void>((resolve) => {
      if (pause === 0) setImmediate(resolve);
      else setTimeout(resolve, pause).unref();
    });
  }
  return true;
}
