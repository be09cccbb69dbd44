import { wallNow } from '../../core/clock.js';
import type { DisconnectListener } from '../close-watch.js';
import type { Caller } from '../caller.js';

/** A server call of @grpc/grpc-js, of any kind. */
export interface GrpcCall {
  readonly cancelled: boolean;
  readonly metadata?: object;
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

  constructor(
    readonly call: GrpcCall,
    /** The handler has the call itself, and answers on it. */
    readonly isPassedThrough: boolean,
  ) {}

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

  /** How long it still waits, in milliseconds. */
  remaining(): number {
    return Number(this.call.getDeadline()) - wallNow();
  }
}
