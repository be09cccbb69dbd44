import { Store } from './store.js';

/** What an action has led to; shown for a while, and read out. */
export interface Notice {
  readonly key: number;
  readonly text: string;
  readonly tone: 'good' | 'bad';
  /** Where more of it is. */
  readonly link?: { readonly hash: string; readonly text: string };
}

const MILLISECONDS_SHOWN = 10_000;
const MOST = 3;

export const notices = new Store<readonly Notice[]>([]);

let key = 0;

export function tell(notice: Omit<Notice, 'key'>): void {
  const added = { ...notice, key: ++key };
  notices.set([...notices.get(), added].slice(-MOST));
  window.setTimeout(() => dismiss(added.key), MILLISECONDS_SHOWN);
}

export function dismiss(dismissed: number): void {
  notices.set(notices.get().filter((notice) => notice.key !== dismissed));
}
