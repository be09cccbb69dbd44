import type { OperationLog } from '../operation/operation-log.js';

/**
 * What a bus is told when the application opens it.
 *
 * @publicApi
 */
export interface CancelationBusHost {
  /** The application's logger. */
  readonly log: OperationLog;
  /**
   * To be called when the connection is back, after it was lost: with all subscriptions in place
   * again. What was published meanwhile may be lost; the library sends again what it waits for.
   */
  readonly onRecovered: () => void;
}

/**
 * Carries messages between the instances of a service: over Redis (`redisBus()`), over NATS
 * (`natsBus()`), within one process (`localBus()`), or over whatever you run. It delivers to all
 * who listen, this instance too, at most once or several times, in whatever order: the library
 * numbers, repeats and signs messages itself.
 *
 * `checkCancelationBus()` of `nestjs-cancelable/testing` tells whether an implementation does what
 * is asked here.
 *
 * @publicApi
 */
export interface CancelationBus {
  /** For messages and logs: `'redis'`. */
  readonly name: string;
  /** Signs what is sent, by HMAC-SHA256; messages without a right signature are ignored. */
  readonly secret?: string | undefined;
  /**
   * Who holds a key over all instances, for `exclusive: { scope: 'cluster' }`. Without it, that
   * option is refused at start-up.
   */
  readonly leases?: ClusterLeases | undefined;
  /**
   * Connects. One that cannot reach its server does not fail for that: it tries again by itself,
   * and calls fail meanwhile.
   *
   * @throws TypeError for options that can never work
   */
  open(host: CancelationBusHost): Promise<void>;
  /**
   * Sends a message to all who listen to a channel.
   *
   * @param channel letters, digits, `-`, `_`, `.` and `:`; at most 200 characters
   * @param message text of at most 1 MB
   * @returns resolves when it was handed over to the server
   * @throws when it could not be, within some seconds
   */
  publish(channel: string, message: string): Promise<void>;
  /**
   * Listens to a channel until `close()`, however often the connection is lost.
   *
   * @param listener must not throw
   * @returns resolves once what is published is delivered; stops listening. Without a connection:
   * resolves all the same, and begins with the connection
   */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>;
  /**
   * Whether anybody is connected and listens to a channel, even if he does not answer. It tells a
   * killed instance from a frozen one.
   *
   * @returns `undefined`: it cannot be told
   * @throws when the server does not answer, within some seconds
   */
  isHeard(channel: string): Promise<boolean | undefined>;
  /** Closes what `open()` opened, and nothing that was given. No message is delivered afterwards. */
  close(): Promise<void>;
}

/**
 * Keys that one instance holds at a time. A holder that does not renew a lease loses it.
 *
 * @publicApi
 */
export interface ClusterLeases {
  /**
   * Looks whether leases can be kept at all. It is asked when the application starts, if a decorated
   * method needs one. Without it, that is taken for granted.
   *
   * @throws Error that says what to set up: the application does not start. That the server is out
   * of reach is no reason
   */
  check?(): Promise<void>;
  /**
   * Takes a key, if nobody holds it; one's own lease is renewed.
   *
   * @param key any text
   * @param holder who takes it; any text
   * @param time milliseconds after which it is lost unless it is renewed
   * @param force takes it from whoever holds it
   * @returns who held it: `undefined` when it was free, or one's own. Without `force`, it is taken
   * only then
   * @throws when the server does not answer, within some seconds
   */
  acquire(key: string, holder: string, time: number, force?: boolean): Promise<string | undefined>;
  /** Gives a key back, if it is still this holder's. */
  release(key: string, holder: string): Promise<void>;
}
