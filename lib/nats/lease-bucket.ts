import { isRecord, ownValue } from '../scope/plain-object.js';
import type { JetStream } from './jetstream.js';
import { LeasesRefused } from './leases-refused.js';

/** What is kept under a key. */
export interface BucketEntry {
  readonly text: string;
  /** Counts the writes of the bucket: no two entries have the same. */
  readonly revision: number;
  /** When the server took it, in milliseconds of its own clock. */
  readonly writtenAt: number;
}

/** How a bucket is made, where there is none. */
export interface BucketSettings {
  /** Letters, digits, `-` and `_`. */
  readonly bucket: string;
  readonly replicas: number;
  /** Milliseconds after which an entry that nobody has written again is dropped. */
  readonly kept: number;
}

/** Codes of errors, as JetStream gives them. */
const NO_MESSAGE = 10037;
const NO_STREAM = 10059;
const NAME_IN_USE = 10058;
const WRONG_REVISION = 10071;

const NANOSECONDS = 1_000_000;
/** No hash has this length. */
const CLOCK = 'clock';

/**
 * A bucket of JetStream's key-value store, as `nats kv` shows it, over one connection. The calls are
 * those of JetStream itself: the library of the store can neither remove one revision without a
 * trace, nor tell the time of the server.
 */
export class LeaseBucket {
  private readonly stream: string;
  private isReady = false;

  constructor(
    private readonly jetStream: JetStream,
    private readonly settings: BucketSettings,
  ) {
    this.stream = `KV_${settings.bucket}`;
  }

  /**
   * Uses the bucket, which is made where there is none.
   *
   * @throws LeasesRefused for what comes of settings
   */
  async use<Result>(work: (bucket: this) => Promise<Result>): Promise<Result> {
    try {
      if (!this.isReady && !(await this.isThere())) await this.create();
      this.isReady = true;
      return await work(this);
    } catch (error) {
      // It may be gone, and is looked for at the next call.
      this.isReady = false;
      throw error;
    }
  }

  async read(key: string): Promise<BucketEntry | undefined> {
    const { error, answer } = await this.jetStream.ask(`STREAM.MSG.GET.${this.stream}`, {
      last_by_subj: this.subjectOf(key),
    });
    if (error?.code === NO_MESSAGE) return undefined;
    if (error !== undefined) throw error;
    const message = isRecord(answer['message']) ? answer['message'] : {};
    return {
      text: Buffer.from(String(ownValue(message, 'data') ?? ''), 'base64').toString('utf8'),
      revision: Number(ownValue(message, 'seq')),
      writtenAt: Date.parse(String(ownValue(message, 'time'))),
    };
  }

  /**
   * Compares and sets.
   *
   * @param revision what is replaced; 0: nothing
   * @returns whether it was that, and is replaced
   */
  async write(key: string, text: string, revision: number): Promise<boolean> {
    const { error } = await this.jetStream.publish(this.subjectOf(key), text, revision);
    if (error === undefined) return true;
    if (error.code === WRONG_REVISION) return false;
    throw error;
  }

  /** Removes this revision, and nothing that was written after it. */
  async remove(key: string, revision: number): Promise<void> {
    const { error } = await this.jetStream.ask(`STREAM.PURGE.${this.stream}`, {
      filter: this.subjectOf(key),
      seq: revision + 1,
    });
    if (error !== undefined) throw error;
  }

  /** By the clock that stamps the entries, in milliseconds. */
  async now(): Promise<number> {
    const { error } = await this.jetStream.publish(this.subjectOf(CLOCK), '');
    if (error !== undefined) throw error;
    const stamped = await this.read(CLOCK);
    if (stamped === undefined) throw new Error(`${this.stream} lost what was written to it`);
    return stamped.writtenAt;
  }

  private subjectOf(key: string): string {
    return `$KV.${this.settings.bucket}.${key}`;
  }

  private async isThere(): Promise<boolean> {
    const { error, answer } = await this.jetStream.ask(`STREAM.INFO.${this.stream}`, {});
    if (error?.code === NO_STREAM) return false;
    if (error !== undefined) throw error;
    this.check(isRecord(answer['config']) ? answer['config'] : {});
    return true;
  }

  /** Others may have made it, by hand or with settings of their own. */
  private check(config: Readonly<Record<string, unknown>>): void {
    const { bucket, kept } = this.settings;
    const age = Number(config['max_age'] ?? 0) / NANOSECONDS;
    const isLong = age === 0 || age >= kept;
    if (isLong && config['deny_purge'] !== true) return;
    throw new LeasesRefused(
      `the bucket ${bucket} keeps no leases: its time to live must be at least ` +
        `${kept / 3_600_000} hours, and it must allow purges`,
    );
  }

  private async create(): Promise<void> {
    const { bucket, replicas, kept } = this.settings;
    const { error } = await this.jetStream.ask(`STREAM.CREATE.${this.stream}`, {
      name: this.stream,
      description: 'Leases of nestjs-cancelable',
      subjects: [`$KV.${bucket}.>`],
      storage: 'memory',
      retention: 'limits',
      discard: 'new',
      max_msgs_per_subject: 1,
      max_age: kept * NANOSECONDS,
      num_replicas: replicas,
      allow_rollup_hdrs: true,
      deny_delete: true,
    });
    // Another instance has just made it, with other settings.
    if (error?.code === NAME_IN_USE) await this.isThere();
    else if (error !== undefined) throw error;
  }
}
