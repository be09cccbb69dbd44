import type { Controller, Signal } from './abort-signal.js';
import { CancelationError, type CanceledSubject } from './cancelation-error.js';
import { createCancelationError } from './cancelation-reasons.js';
import type { CancelRecord } from './cancel-record.js';
import { contextStorage } from './context-storage.js';
import { type CancelListener, ListenerList, ListenerNode } from './listeners.js';
import { remoteCancel } from './remote-cancel.js';
import { Timed } from './timers.js';

/**
 * What can be canceled: an operation, a token of its own, the protected part of an operation.
 * Scopes form a tree of direct pointers, so that a cancel reaches 100,000 of them without a
 * listener on each.
 */
export abstract class Scope extends Timed implements CanceledSubject {
  /** Why it was canceled, once it was. */
  record: CancelRecord | undefined = undefined;
  /** The outcome is fixed: a cancel comes too late. */
  decided = false;
  parent: Scope | undefined = undefined;
  firstChild: Scope | undefined = undefined;
  previousSibling: Scope | undefined = undefined;
  nextSibling: Scope | undefined = undefined;
  protected failure: CancelationError | undefined = undefined;
  protected listeners: ListenerList | undefined = undefined;
  protected controller: Controller | undefined = undefined;

  abstract readonly id: string | undefined;
  abstract readonly name: string | undefined;
  abstract readonly rootId: string | undefined;
  abstract readonly partialResult: unknown;
  /** Monotonic milliseconds at which this scope or one it belongs to runs out. */
  abstract readonly limit: number | undefined;

  /** The operation that work in this scope belongs to. */
  abstract operation(): Scope | undefined;
  /** Cancels if the clock says that a deadline has passed which no timer could report yet. */
  abstract checkClock(): void;
  /** The record was just set; callers do not know yet. */
  abstract marked(): void;
  /** All listeners of the cancel have run: let the callers go. */
  abstract released(): void;
  /** The context for callbacks of work that was begun in this scope: never a canceled one. */
  abstract callbackCell(): object;
  /** Runs a listener in this scope's context, under a token that is not canceled. */
  abstract callListener(node: ListenerNode, error: CancelationError): void;

  /** Looks at links that are only followed on demand. */
  isCanceled(): boolean {
    if (this.record === undefined && remoteCancel.poll !== undefined) remoteCancel.poll();
    return this.record !== undefined;
  }

  addChild(child: Scope): void {
    const { firstChild } = this;
    child.parent = this;
    child.nextSibling = firstChild;
    if (firstChild !== undefined) firstChild.previousSibling = child;
    this.firstChild = child;
  }

  removeChild(child: Scope): void {
    const { previousSibling, nextSibling } = child;
    if (previousSibling === undefined) this.firstChild = nextSibling;
    else previousSibling.nextSibling = nextSibling;
    if (nextSibling !== undefined) nextSibling.previousSibling = previousSibling;
    child.parent = child.previousSibling = child.nextSibling = undefined;
  }

  /** Leaves the tree without ending: what is above has settled. */
  orphan(): void {
    this.parent?.removeChild(this);
  }

  /** Adds a listener of the user's; one whose moment has passed is called at once. */
  addListener(callback: CancelListener): () => void {
    const node = new ListenerNode(callback, contextStorage.getStore(), false);
    if (this.isCanceled()) {
      this.callListener(node, this.error());
      return () => {};
    }
    if (this.decided) return () => {};
    this.listen(node);
    return () => node.remove();
  }

  /** Adds a listener of the library's own, called outside of any context; it must not throw. */
  observe(callback: (error: CancelationError) => void): ListenerNode {
    const node = new ListenerNode(callback, undefined, true);
    if (this.isCanceled()) {
      node.callback = undefined;
      callback(this.error());
    } else if (!this.decided) {
      this.listen(node);
    }
    return node;
  }

  private listen(node: ListenerNode): void {
    const { listeners } = this;
    if (listeners !== undefined) return listeners.add(node);
    this.listeners = this.createListeners();
    this.listeners.add(node);
    this.heard();
  }

  /** Somebody listens who did not before. */
  protected heard(): void {}

  protected createListeners(): ListenerList {
    return new ListenerList();
  }

  get hasListeners(): boolean {
    return this.listeners !== undefined || this.controller !== undefined;
  }

  get listenerCount(): number {
    return this.listeners?.size ?? 0;
  }

  notify(): void {
    const { listeners, controller } = this;
    this.listeners = undefined;
    const error = this.error();
    for (let node = listeners?.shift(); node !== undefined; node = listeners?.shift()) {
      const { callback } = node;
      if (callback === undefined) continue;
      if (node.internal) {
        node.callback = undefined;
        void callback(error);
      } else {
        this.callListener(node, error);
      }
    }
    if (controller !== undefined) this.abort(controller, error);
  }

  /**
   * The abort listeners of a signal run in the context of whoever aborts: subclasses enter theirs.
   */
  protected abort(controller: Controller, error: CancelationError): void {
    controller.abort(error);
  }

  /** A real AbortSignal, created on first use: most calls never need one, and it costs the most. */
  signal(): Signal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.isCanceled()) this.controller.abort(this.error());
    }
    return this.controller.signal;
  }

  /** Whether a value is this scope's signal, without creating one. */
  ownsSignal(signal: unknown): boolean {
    return this.controller !== undefined && this.controller.signal === signal;
  }

  /**
   * The error of this cancel. Made when somebody looks: a mass cancel would create one per scope.
   */
  error(): CancelationError {
    return (this.failure ??= this.createError());
  }

  get hasError(): boolean {
    return this.failure !== undefined;
  }

  private createError(): CancelationError {
    const { record } = this;
    if (record === undefined) throw new Error('A scope that is not canceled has no error');
    return createCancelationError(record.reason, record.text, {
      cause: record.origin ?? record.cause,
      requestedBy: record.requestedBy,
      subject: this.subject(),
    });
  }

  /** The subject of its error: while it lives, the scope itself. */
  protected subject(): CanceledSubject {
    return this;
  }

  /** It has ended: an error that somebody keeps holds on to `subject()` as it is now. */
  protected detachError(): void {
    if (this.failure !== undefined) CancelationError.detach(this.failure, this.subject());
  }

  /** Lets go of everything that could hold memory. What was canceled stays canceled. */
  protected clear(): void {
    this.listeners?.clear();
    this.listeners = undefined;
    this.controller = undefined;
    this.firstChild = undefined;
  }
}
