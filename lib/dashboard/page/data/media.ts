import { type Readable, useStore } from './store.js';

class Media implements Readable<boolean> {
  private readonly list: MediaQueryList;

  constructor(query: string) {
    this.list = matchMedia(query);
  }

  get(): boolean {
    return this.list.matches;
  }

  subscribe(listener: () => void): () => void {
    this.list.addEventListener('change', listener);
    return () => this.list.removeEventListener('change', listener);
  }
}

/** The same as in the styles. */
const narrow = new Media('(max-width: 760px)');

/** Whether the page is as narrow as a phone. */
export function useNarrow(): boolean {
  return useStore(narrow);
}
