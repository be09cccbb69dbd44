import type { CancelationError } from './cancelation-error.js';

/**
 * Called once when its token or operation is canceled, with the error.
 *
 * @publicApi
 */
export type CancelListener = (error: CancelationError) => unknown;

/** One entry of a scope's list: linked, so that leaving costs the same with one or 100,000. */
export class ListenerNode {
  previous: ListenerNode = this;
  next: ListenerNode = this;
  list: ListenerList | undefined = undefined;

  constructor(
    public callback: CancelListener | undefined,
    /** The context it was added in; `undefined` for the library's own, which need none. */
    readonly cell: object | undefined,
    /** The library's own: called as it is, it neither throws nor reads the context. */
    readonly internal: boolean,
  ) {}

  remove(): void {
    this.callback = undefined;
    this.list?.remove(this);
  }
}

export class ListenerList {
  private head: ListenerNode | undefined = undefined;

  constructor(private readonly onEmpty?: () => void) {}

  add(node: ListenerNode): void {
    node.list = this;
    if (this.head === undefined) {
      this.head = node;
      return;
    }
    const tail = this.head.previous;
    tail.next = node;
    node.previous = tail;
    node.next = this.head;
    this.head.previous = node;
  }

  remove(node: ListenerNode): void {
    if (node.list !== this) return;
    node.list = undefined;
    if (node.next === node) {
      this.head = undefined;
    } else {
      node.previous.next = node.next;
      node.next.previous = node.previous;
      if (this.head === node) this.head = node.next;
    }
    node.previous = node.next = node;
    if (this.head === undefined) this.onEmpty?.();
  }

  /** Takes the next one out, in the order of adding. */
  shift(): ListenerNode | undefined {
    const node = this.head;
    if (node !== undefined) this.remove(node);
    return node;
  }

  /** A node that is still held, to remove it, holds neither its callback nor the others. */
  clear(): void {
    for (let node = this.head; node !== undefined; node = this.head) {
      node.callback = undefined;
      this.head = node.next === node ? undefined : node.next;
      if (this.head !== undefined) this.head.previous = node.previous;
      node.previous.next = node.next;
      node.list = undefined;
      node.previous = node.next = node;
    }
  }

  get size(): number {
    let size = 0;
    let node = this.head;
    while (node !== undefined) {
      size++;
      node = node.next === this.head ? undefined : node.next;
    }
    return size;
  }
}
