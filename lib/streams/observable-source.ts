import type { Observable, Subscription } from 'rxjs';
import type { IteratorSource } from './interruptible-iterator.js';

/**
 * Reads an Observable as an iterator. What it emits faster than it is read waits in a queue: an
 * Observable cannot be held back.
 */
export function openObservable<Item>(source$: Observable<Item>): IteratorSource<Item> {
  let queue: Item[] = [];
  let read = 0;
  let subscription: Subscription | undefined;
  let end: { readonly error?: unknown } | undefined;
  let waiting: Waiting<Item> | undefined;

  const finish = (how: { readonly error?: unknown }): void => {
    end ??= how;
    const reader = waiting;
    waiting = undefined;
    if (reader === undefined) return;
    if ('error' in how) reader.reject(how.error);
    else reader.resolve({ done: true, value: undefined });
  };
  const deliver = (item: Item): void => {
    const reader = waiting;
    waiting = undefined;
    if (reader === undefined) queue.push(item);
    else reader.resolve({ done: false, value: item });
  };
  /** Taking from the front would move all that wait, each time. */
  const take = (): Item => {
    const item = queue[read++] as Item;
    if (read === queue.length) {
      queue = [];
      read = 0;
    }
    return item;
  };
  const next = (): Promise<IteratorResult<Item>> => {
    subscription ??= source$.subscribe({
      next: deliver,
      error: (error: unknown) => finish({ error }),
      complete: () => finish({}),
    });
    if (read < queue.length) return Promise.resolve({ done: false, value: take() });
    if (end === undefined) {
      return new Promise((resolve, reject) => (waiting = { resolve, reject }));
    }
    const how = end;
    end = {};
    return 'error' in how
      ? Promise.reject(how.error)
      : Promise.resolve({ done: true, value: undefined });
  };
  const close = (): Promise<IteratorResult<Item>> => {
    subscription?.unsubscribe();
    finish({});
    return Promise.resolve({ done: true, value: undefined });
  };
  return { iterator: { next, return: close } };
}

interface Waiting<Item> {
  readonly resolve: (result: IteratorResult<Item>) => void;
  readonly reject: (error: unknown) => void;
}
