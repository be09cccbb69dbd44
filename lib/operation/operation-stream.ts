import type { OperationState } from './operation-state.js';
import type { Scope } from '../scope/scope.js';
import { countOf, readOptions } from '../scope/validate.js';
import { reportProgress } from './progress-delivery.js';
import { noteProgress } from './stall.js';
import { DerivedValue } from '../scope/derived-value.js';
import type { StreamOptions } from '../streams/stream-options.js';
import { InterruptibleIterator } from '../streams/interruptible-iterator.js';
import { openSource } from '../streams/open-source.js';

const DEFAULT_BUFFER = 1_000;

/** The partial result of a stream: the count of delivered items, and a ring of the last of them. */
class DeliveredItems extends DerivedValue {
  count = 0;
  private readonly ring: unknown[] = [];

  constructor(private readonly size: number) {
    super();
  }

  add(item: unknown): void {
    if (this.size > 0) {
      if (this.ring.length < this.size) this.ring.push(item);
      else this.ring[this.count % this.size] = item;
    }
    this.count++;
  }

  override read(): { count: number; items: unknown[] } {
    const { count, ring, size } = this;
    const oldest = ring.length < size || size === 0 ? 0 : count % size;
    return { count, items: [...ring.slice(oldest), ...ring.slice(0, oldest)] };
  }
}

const READERS = { buffer: countOf(0), reportEvery: countOf(1), chunk: countOf(1) };

/** `operation.stream()`. */
export function streamThrough(
  state: OperationState,
  place: Scope,
  source: unknown,
  options: StreamOptions & { readonly chunk?: number },
): AsyncIterableIterator<unknown> {
  const {
    buffer = DEFAULT_BUFFER,
    reportEvery,
    chunk,
  } = readOptions(options, 'operation.stream()', READERS);
  const opened = openSource(source);
  if (opened === undefined) {
    throw new TypeError(
      `operation.stream(): ${String(source)} cannot be iterated. Allowed: an iterable, an async iterable, an Observable, a Node or a web stream.`,
    );
  }
  const items = new DeliveredItems(buffer);
  state.savePartial(items);
  const stream = new InterruptibleIterator(place, opened, {
    delivered(item) {
      items.add(item);
      noteProgress(state);
      if (reportEvery !== undefined && items.count % reportEvery === 0) {
        reportProgress(state, { current: items.count });
      }
    },
  });
  return chunk === undefined ? stream : new ChunkedIterator(stream, chunk);
}

/** Groups items; the last group may be shorter, and is delivered before the end or the error. */
class ChunkedIterator implements AsyncIterableIterator<unknown[]> {
  private failure: { readonly error: unknown } | undefined = undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly items: InterruptibleIterator<unknown>,
    private readonly size: number,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One chunk after the other, also when they are asked for ahead. */
  next(): Promise<IteratorResult<unknown[]>> {
    const chunk = this.last.then(() => this.collect());
    this.last = chunk.catch(() => {});
    return chunk;
  }

  private async collect(): Promise<IteratorResult<unknown[]>> {
    if (this.failure !== undefined) {
      const { error } = this.failure;
      this.failure = undefined;
      throw error;
    }
    const chunk: unknown[] = [];
    try {
      while (chunk.length < this.size) {
        const result = await this.items.next();
        if (result.done === true) break;
        chunk.push(result.value);
      }
    } catch (error) {
      if (chunk.length === 0) throw error;
      this.failure = { error };
    }
    return chunk.length === 0 ? { done: true, value: undefined } : { done: false, value: chunk };
  }

  async return(): Promise<IteratorResult<unknown[]>> {
    await this.items.return();
    return { done: true, value: undefined };
  }
}
