import type { Scope } from '../scope/scope.js';
import type { OperationStore } from '../registry/operation-store.js';

/** A call that came in and is not over yet. */
export interface OpenCall {
  previousCall: OpenCall | undefined;
  nextCall: OpenCall | undefined;
  /** Its answer goes on after it has begun, perhaps without an end. */
  readonly isStream: boolean;
  /** Its operation comes into being, if it has none: nobody else would know that it runs. */
  materialize(): Scope | undefined;
  /** The application shuts down: whoever waits for the answer is told not to come back here. */
  drain(): void;
  /** There is no more time: whoever still waits for a canceled call is sent away. */
  abandon(): void;
}

/**
 * The calls that are being served, undecorated ones too, as a list of direct pointers: adding and
 * removing one costs a few writes, and a shutdown finds them all.
 */
export class OpenCalls {
  private first: OpenCall | undefined = undefined;

  /** @param reopen called when a call comes in after the application was closed: it serves again */
  constructor(
    readonly live: OperationStore,
    readonly reopen: () => void = () => {},
  ) {}

  add(call: OpenCall): void {
    const { first } = this;
    call.nextCall = first;
    if (first !== undefined) first.previousCall = call;
    this.first = call;
  }

  remove(call: OpenCall): void {
    const { previousCall, nextCall } = call;
    if (previousCall !== undefined) previousCall.nextCall = nextCall;
    else if (this.first === call) this.first = nextCall;
    if (nextCall !== undefined) nextCall.previousCall = previousCall;
    call.previousCall = call.nextCall = undefined;
  }

  /** Oldest last. */
  list(): OpenCall[] {
    const calls: OpenCall[] = [];
    for (let call = this.first; call !== undefined; call = call.nextCall) calls.push(call);
    return calls;
  }
}
