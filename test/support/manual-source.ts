/** An async iterable that gives what a test pushes, and counts how it is used. */
export class ManualSource<Item> implements AsyncIterable<Item> {
  /** How often an item was asked for. */
  pulls = 0;
  /** How often it was closed. */
  closed = 0;
  private readonly ready: Item[] = [];
  private waiting: ((result: IteratorResult<Item>) => void) | undefined;

  push(...items: Item[]): void {
    for (const item of items) {
      const { waiting } = this;
      this.waiting = undefined;
      if (waiting === undefined) this.ready.push(item);
      else waiting({ done: false, value: item });
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return {
      next: () => {
        this.pulls++;
        const item = this.ready.shift();
        if (item !== undefined) return Promise.resolve({ done: false, value: item });
        return new Promise((resolve) => (this.waiting = resolve));
      },
      return: () => {
        this.closed++;
        this.waiting?.({ done: true, value: undefined });
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}
