import { hashOf, operationHash, readRoute, type Route, type ViewName } from '../logic/route.js';
import { Store } from './store.js';

export const route = new Store<Route>(readRoute(location.hash));

/** How many views were opened since the page was, so that Escape can go back to one. */
let depth = 0;

/** The operation that was shown last, where one came back from it. */
let shownBefore: string | undefined;

/** @returns the operation that one came back from; only once */
export function takeShownBefore(): string | undefined {
  const id = shownBefore;
  shownBefore = undefined;
  return id;
}

window.addEventListener('hashchange', () => {
  depth++;
  shownBefore = route.get().id;
  route.set(readRoute(location.hash));
});

/** The address as it is now, changed, without a new entry in the history of the browser. */
export function replaceParams(view: ViewName, params: URLSearchParams): void {
  const hash = hashOf(view, params);
  history.replaceState(history.state, '', address(hash));
  route.set(readRoute(hash));
}

/** The same operation, looked for in all instances or in this one. */
export function replaceOperation(id: string, all: boolean): void {
  const hash = operationHash(id, all);
  history.replaceState(history.state, '', address(hash));
  route.set(readRoute(hash));
}

export function go(hash: string): void {
  location.hash = hash;
}

/** Back to where one came from, or to the live operations. */
export function leave(): void {
  if (depth > 0) {
    depth -= 2;
    history.back();
  } else {
    go(hashOf('live'));
  }
}

/** With a `<base>`, an address that is only a hash would lead elsewhere. */
export function address(hash: string): string {
  return `${location.pathname}${location.search}${hash}`;
}
