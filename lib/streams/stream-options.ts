import type { Observable } from 'rxjs';

/**
 * Options of `operation.stream()`.
 *
 * @publicApi
 */
export interface StreamOptions {
  /** Reports progress after every so many items. Default: never. */
  readonly reportEvery?: number;
  /** How many of the last items the partial result keeps. Default: 1000. */
  readonly buffer?: number;
}

/**
 * What can be streamed. A web stream's items are what its reader gives; an Observable's wait in a
 * queue, since it cannot be held back.
 *
 * @publicApi
 */
export type StreamSource<Item> =
  | AsyncIterable<Item>
  | Iterable<Item>
  | Observable<Item>
  | { getReader(): { read(): Promise<{ done: boolean; value?: Item }> } };

/**
 * Options of `operation.stream()` that delivers arrays.
 *
 * @publicApi
 */
export interface ChunkedStreamOptions extends StreamOptions {
  /** Delivers arrays of so many items; the last may be shorter, and comes before an error. */
  readonly chunk: number;
}

/**
 * What `stream()` keeps as the partial result.
 *
 * @publicApi
 */
export interface StreamPartialResult<Item> {
  /** How many items were delivered. */
  readonly count: number;
  /** The last of them, at most `buffer`. */
  readonly items: readonly Item[];
}
