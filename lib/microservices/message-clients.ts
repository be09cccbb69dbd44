import type { ClientProxy, ReadPacket, WritePacket } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import {
  CANCEL_PATTERN,
  canCarry,
  CARRIED,
  type CancelMessage,
} from '../transports/rpc/carried.js';
import { describeError } from '../scope/describe-error.js';
import { monotonicNow } from '../scope/clock.js';
import type { OperationLog } from '../operation/operation-log.js';
import type { OperationState } from '../operation/operation-state.js';
import type { Scope } from '../scope/scope.js';
import { OperationIds } from '../registry/operation-ids.js';
import { type Carrier, carrierOf } from './carry.js';
import type { ClientSettings } from './client-settings.js';
import { callWithin, type OutgoingCall } from './outgoing-call.js';
import { SharedMethod } from '../scope/shared-method.js';

type Send = (this: ClientProxy, pattern: unknown, data: unknown) => Observable<unknown>;
type Publish = (packet: ReadPacket, callback: (packet: WritePacket) => void) => () => void;

/** The longest time that servers take, 115 days. */
const LONGEST = 9_999_999_999;

const ids = new OperationIds();

export const sendMethod = new SharedMethod<'send', Send, ClientSettings>(
  'send',
  (below, owners) => {
    const send: Send = function (pattern, data) {
      const plain = () => below.call(this, pattern, data);
      return callWithin(owners, plain, ({ scope, owner }) => {
        const carrier = carrierOf(this, owner.library);
        if (carrier === undefined || !owner.carry(this, pattern)) return { answers: plain() };
        const request = new Request(this, scope, carrier, owner.log);
        return request.sentBy((client) => below.call(client, pattern, data));
      });
    };
    return send;
  },
);

/** A message that is answered, and can be canceled. */
class Request {
  private readonly id = ids.create();
  /** The server has it, and has more to say. */
  private isOpen = false;

  constructor(
    private readonly client: ClientProxy,
    private readonly scope: Scope,
    private readonly carrier: Carrier,
    private readonly log: OperationLog,
  ) {}

  /**
   * The packet is made where nothing tells which call it belongs to, so each call has a client of
   * its own: the same one, but for what leaves it.
   */
  sentBy(send: (client: ClientProxy) => Observable<unknown>): OutgoingCall {
    const { client } = this;
    const publish: Publish = (packet, callback) => this.publish(packet, callback);
    const own = Object.create(client, {
      connect: { value: () => client.connect() },
      publish: { value: publish },
    }) as ClientProxy;
    return { answers: send(own), abandoned: (timedOut) => this.cancel(timedOut) };
  }

  private publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    this.isOpen = true;
    const { publish } = this.client as unknown as { publish: Publish };
    return publish.call(this.client, this.carrier(packet, this.values()), (answer) => {
      // Before the subscriber knows: one who takes a single answer leaves with it.
      if (answer.isDisposed || answer.err) this.isOpen = false;
      callback(answer);
    });
  }

  private values(): Record<string, string> {
    const { limit } = this.scope;
    const { id } = this.scope.operation() as OperationState;
    const values: Record<string, string> = { [CARRIED.call]: this.id };
    if (canCarry(id)) values[CARRIED.operation] = id;
    if (limit !== undefined) {
      const left = Math.max(0, Math.ceil(limit - monotonicNow()));
      values[CARRIED.remaining] = String(Math.min(left, LONGEST));
    }
    return values;
  }

  private cancel(timedOut: boolean): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const message: CancelMessage = { call: this.id, timedOut };
    const failed = (error: unknown) => {
      this.log.debug(`A service was not told that nobody waits: ${describeError(error)}`);
    };
    try {
      this.client.emit(CANCEL_PATTERN, message).subscribe({ error: failed });
    } catch (error) {
      failed(error);
    }
  }
}
