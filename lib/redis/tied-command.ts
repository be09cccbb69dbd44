import type { CallingScope } from '../operation/calling-scope.js';
import { Interruption } from '../operation/interruption.js';
import { type CancelationError, setCause } from '../scope/cancelation-error.js';
import { describeError } from '../scope/describe-error.js';
import type { ListenerNode } from '../scope/listeners.js';
import { pauseUntil } from '../scope/waiting.js';
import type { ClientState, RedisSettings } from './client-state.js';
import { type Manner, Turn } from './connection-gate.js';
import type { Blocked, ClientAddress } from './unblocker.js';

/** What the client library does with a command. */
export interface CommandPort {
  /** Gives it to the library, which writes or queues it. */
  send(): void;
  /** Takes it out of the library's queue. */
  unqueue(): boolean;
  reject(error: unknown): void;
}

/** Milliseconds before a connection that was not blocked yet is unblocked again. */
const LONGEST_PAUSE = 50;
const PAUSE_AFTER_FAILURE = 20;
const MOST_FAILURES = 5;

/**
 * A command of an operation that its cancel reaches: one that blocks is interrupted, one that waits
 * to be sent is dropped.
 */
export class TiedCommand implements Blocked {
  private readonly turn: Turn;
  private listener: ListenerNode | undefined = undefined;
  cancelation: CancelationError | undefined = undefined;
  private address: Promise<ClientAddress | undefined> | undefined = undefined;
  private unblocking: Promise<void> | undefined = undefined;
  isOver = false;
  readonly over: Promise<void>;
  private markOver!: () => void;

  constructor(
    private readonly client: ClientState,
    private readonly caller: CallingScope<RedisSettings>,
    manner: Exclude<Manner, 'blocking'>,
    private readonly port: CommandPort,
  ) {
    this.turn = new Turn(manner, () => this.send());
    this.over = new Promise((resolve) => (this.markOver = resolve));
  }

  start(): void {
    this.client.gate.enter(this.turn);
    if (!this.isOver) this.listener = this.caller.scope.observe((error) => this.cancel(error));
  }

  /** The library sends it once more, or at last: what was queued, or lost with its connection. */
  sentAgain(): void {
    if (this.isOver) return;
    if (this.cancelation === undefined) this.send();
    else this.dropped(this.cancelation);
  }

  /** The library is done with it. The caller hears of that when nothing can be unblocked any more. */
  settle(deliver: () => void): void {
    if (this.isOver) return;
    this.isOver = true;
    this.markOver();
    this.listener?.remove();
    const finish = () => {
      try {
        deliver();
      } finally {
        this.client.gate.leave(this.turn);
      }
    };
    if (this.unblocking === undefined) finish();
    else void this.unblocking.then(finish);
  }

  /** What the library fails with leads to the cancelation, if that is what it comes from. */
  explained(error: unknown): unknown {
    const { cancelation } = this;
    if (cancelation === undefined || !(error instanceof Error)) return error;
    if (!error.message.startsWith('UNBLOCKED') || error.cause !== undefined) return error;
    setCause(error, new Interruption(cancelation));
    return error;
  }

  private send(): void {
    const { client } = this;
    if (this.turn.manner === 'interruptible' && client.connection.takesCommands()) {
      this.address = client.address();
    }
    this.port.send();
  }

  private cancel(error: CancelationError): void {
    this.cancelation = error;
    if (this.client.gate.drop(this.turn) || this.port.unqueue()) this.dropped(error);
    else if (this.turn.manner === 'interruptible') this.unblocking = this.unblock(error);
  }

  private dropped(cancelation: CancelationError): void {
    this.settle(() => this.port.reject(new Interruption(cancelation)));
  }

  /** Never rejects. Tries until the command is over: it may not have reached the server yet. */
  private async unblock(cancelation: CancelationError): Promise<void> {
    let failures = 0;
    for (let pause = 1; !this.isOver; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      if (this.port.unqueue()) return this.dropped(cancelation);
      const address = await Promise.race([this.address, this.over]);
      if (this.isOver) return;
      try {
        if (address === undefined) throw new Error('CLIENT INFO gave no address');
        if (await this.unblockOnce(address)) return;
      } catch (error) {
        if (++failures > MOST_FAILURES) return this.givenUp(error);
        pause = Math.max(pause, PAUSE_AFTER_FAILURE * failures);
      }
      await pauseUntil(this.over, pause);
    }
  }

  private unblockOnce(address: ClientAddress): Promise<boolean> {
    return this.caller.owner.unblockers.unblock(this.client.connection, address, this);
  }

  private givenUp(error: unknown): void {
    if (this.isOver) return;
    const { operation } = this.caller;
    operation.host.log.warn(
      `A blocking command of ${operation.name} could not be interrupted: ${describeError(error)}`,
      operation,
    );
  }
}
