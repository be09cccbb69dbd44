import { type Duration, parseDuration } from '../scope/duration.js';
import { bare, isRecord } from '../scope/plain-object.js';
import { readDuration, readOptions, refuse } from '../scope/validate.js';
import type { CancelationBus } from './cancelation-bus.js';
import { localBus } from './local-bus.js';
import { LONGEST_BEAT } from './members.js';

/**
 * How the instances of a service find each other.
 *
 * @publicApi
 */
export interface ClusterOptions {
  /** What carries the messages. Default: `localBus()`, which ends at this process. */
  bus?: CancelationBus;
  /**
   * The name that all instances of the service share, and no other service or environment on the
   * same server: letters, digits, `-`, `_` and `.`.
   *
   * @example 'reports-production'
   */
  service: string;
  /**
   * What answers call this instance, for people: the name of its pod, say. Default: the first part
   * of the ids of its operations, which is random.
   */
  instance?: string;
  /**
   * How often an instance says that it is there. One that is silent for three times as long, and
   * listens no longer, is taken for gone. At most 10 minutes. Default: `'1s'`.
   */
  heartbeat?: Duration;
  /** How long an answer may take, where a call says nothing else. Default: `'1s'`. */
  timeout?: Duration;
  /**
   * How long a key of `exclusive: { scope: 'cluster' }` is kept for an instance that no longer says
   * that it holds it. Default: `'10s'`.
   */
  lease?: Duration;
}

export interface ClusterSettings {
  readonly bus: CancelationBus;
  readonly service: string;
  readonly instance: string | undefined;
  /** Milliseconds. */
  readonly heartbeat: number;
  /** Milliseconds. */
  readonly timeout: number;
  /** Milliseconds. */
  readonly lease: number;
}

const LONGEST_SERVICE = 100;
const LONGEST_INSTANCE = 256;

const METHODS = ['open', 'publish', 'subscribe', 'isHeard', 'close'] as const;

const READERS = {
  bus: (value: unknown, where: string) => {
    const missing = METHODS.filter(
      (method) => !isRecord(value) || typeof value[method] !== 'function',
    );
    if (missing.length > 0) {
      refuse(where, value, `a CancelationBus, such as redisBus(), with ${missing.join(', ')}`);
    }
  },
  service: (value: unknown, where: string) => {
    const isName = typeof value === 'string' && /^[\w.-]+$/.test(value);
    if (!isName || value.length > LONGEST_SERVICE) {
      refuse(where, value, `letters, digits, -, _ and ., at most ${LONGEST_SERVICE}`);
    }
  },
  instance: (value: unknown, where: string) => {
    const isName = typeof value === 'string' && value !== '';
    if (!isName || value.length > LONGEST_INSTANCE) {
      refuse(where, value, `a name of at most ${LONGEST_INSTANCE} characters`);
    }
  },
  heartbeat: (value: unknown, where: string) => {
    readDuration(value, where);
    if (parseDuration(value, where) > LONGEST_BEAT) {
      refuse(where, value, 'at most 10 minutes: the others take what is longer for a mistake');
    }
  },
  timeout: readDuration,
  lease: readDuration,
};

/** @throws TypeError that says what was given and what is allowed */
export function checkClusterOptions(value: unknown, where: string): void {
  const own = readOptions(value as ClusterOptions, where, READERS);
  if (own.service === undefined) {
    throw new TypeError(
      `${where}: service is missing. Allowed: a name that all instances of the service share, such as 'reports'.`,
    );
  }
}

/** @param options checked before */
export function readClusterOptions(options: ClusterOptions): ClusterSettings {
  const { bus, service, instance, heartbeat = '1s', timeout = '1s', lease = '10s' } = bare(options);
  return {
    bus: bus ?? localBus(),
    service,
    instance,
    heartbeat: parseDuration(heartbeat, 'cluster.heartbeat'),
    timeout: parseDuration(timeout, 'cluster.timeout'),
    lease: parseDuration(lease, 'cluster.lease'),
  };
}
