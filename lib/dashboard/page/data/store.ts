import { useEffect, useState } from 'preact/hooks';

type Listener = () => void;

/** Something that changes, and that parts of the page show. */
export interface Readable<Value> {
  get(): Value;
  /** @returns stops listening */
  subscribe(listener: Listener): () => void;
}

export class Store<Value> implements Readable<Value> {
  private readonly listeners = new Set<Listener>();

  constructor(private value: Value) {}

  get(): Value {
    return this.value;
  }

  set(value: Value): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** The value as it is, and a new rendering with each change. */
export function useStore<Value>(store: Readable<Value>): Value {
  const [, setValue] = useState(store.get());
  useEffect(() => {
    const update = () => setValue(store.get());
    update();
    return store.subscribe(update);
  }, [store]);
  return store.get();
}
