import { wallNow } from '../../scope/clock.js';
import { hasRoom } from '../backpressure.js';
import type { DisconnectListener } from '../close-watch.js';
import type { Caller } from '../caller.js';

/**
 * A client counts from when it called, we from when the call arrived: a client that leaves this
 * near to its deadline, as a part of the time it gave and in milliseconds at most, has run out of
 * time.
 */
const TOLERANCE = 0.1;
const MOST_TOLERANCE = 100;

/** A server call of @grpc/grpc-js, of any kind. */
export interface GrpcCall {
  readonly cancelled: boolean;
  readonly metadata?: object;
  /** Is set for calls that answer with a stream. */
  readonly writableNeedDrain?: boolean;
  /** A Date, milliseconds since the epoch, or Infinity. */
  getDeadline(): Date | number;
  prependListener(event: 'cancelled', listener: () => void): unknown;
  off(event: 'cancelled', listener: () => void): unknown;
  emit(event: 'error', error: object): unknown;
}

export function isGrpcCall(value: unknown): value is GrpcCall {
  if (typeof value !== 'object' || value === null) return false;
  const { getDeadline, prependListener, off } = value as Partial<GrpcCall>;
  return [getDeadline, prependListener, off].every((method) => typeof method === 'function');
}

/** The client of a call: it may cancel, and it may have said how long it waits. */
export class GrpcCaller implements Caller {
  private readonly listeners = new Map<DisconnectListener, () => void>();
  /** Milliseconds. */
  private readonly tolerance: number;

  constructor(
    readonly call: GrpcCall,
    /** The handler has the call itself, and answers on it. */
    readonly isPassedThrough: boolean,
  ) {
    const given = this.remaining();
    this.tolerance = Math.max(0, Math.min(given * TOLERANCE, MOST_TOLERANCE));
  }

  watch(listener: DisconnectListener): boolean {
    if (this.call.cancelled) return false;
    const onCanceled = () => listener.disconnected();
    this.listeners.set(listener, onCanceled);
    // Before Nest, which completes what the client sends as if it had sent all.
    this.call.prependListener('cancelled', onCanceled);
    return true;
  }

  unwatch(listener: DisconnectListener): void {
    const onCanceled = this.listeners.get(listener);
    if (onCanceled === undefined) return;
    this.listeners.delete(listener);
    this.call.off('cancelled', onCanceled);
  }

  isGone(): boolean {
    return this.call.cancelled;
  }

  hasRoom(): boolean {
    return this.isGone() || hasRoom(this.call);
  }

  /** Tells whether the caller has left because its deadline has passed. */
  isLate(): boolean {
    return this.remaining() <= this.tolerance;
  }

  /** The milliseconds that the caller still waits. */
  remaining(): number {
    return Number(this.call.getDeadline()) - wallNow();
  }
}
