import { EMPTY, from, mergeMap, type Observable } from 'rxjs';

/** An Observable that begins once its operation may; it is empty where that is skipped. */
export function observableAfter(
  pending: Promise<boolean> | undefined,
  open: () => Observable<unknown>,
): Observable<unknown> {
  if (pending === undefined) return open();
  return from(pending).pipe(mergeMap((runs) => (runs ? open() : EMPTY)));
}

/** The same for what is iterated. */
export function iterableAfter<Item>(
  pending: Promise<boolean> | undefined,
  open: () => AsyncIterable<Item>,
): AsyncIterable<Item> {
  return pending === undefined ? open() : iterateAfter(pending, open);
}

async function* iterateAfter<Item>(
  pending: Promise<boolean>,
  open: () => AsyncIterable<Item>,
): AsyncGenerator<Item> {
  if (await pending) yield* open();
}
