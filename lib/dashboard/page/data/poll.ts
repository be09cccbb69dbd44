import { useEffect, useState } from 'preact/hooks';
import { ApiError, getJson } from './api.js';

export interface Polled<Answer> {
  readonly answer: Answer | undefined;
  readonly error: unknown;
}

/**
 * Reads from the API again and again, one request at a time, and not while the page is hidden.
 *
 * @param path `undefined`: nothing is read
 * @param search the parameters
 * @param every milliseconds between an answer and the next request; `undefined`: once
 * @param version a new one reads at once
 */
export function usePolled<Answer>(
  path: string | undefined,
  search: string,
  every: number | undefined,
  version = 0,
): Polled<Answer> {
  const key = `${path ?? ''}?${search}`;
  const [polled, setPolled] = useState<Polled<Answer> & { readonly key: string }>({
    answer: undefined,
    error: undefined,
    key,
  });
  useEffect(() => {
    if (path === undefined) return undefined;
    const stop = new AbortController();
    let timer: number | undefined;
    const read = async () => {
      if (!document.hidden || every === undefined) {
        try {
          const answer = await getJson<Answer>(path, new URLSearchParams(search), stop.signal);
          if (!stop.signal.aborted) setPolled({ answer, error: undefined, key });
        } catch (error) {
          if (stop.signal.aborted) return;
          setPolled(({ answer, key: before }) => ({
            // What was seen before may not be seen any more.
            answer: before === key && !isDenied(error) ? answer : undefined,
            error,
            key,
          }));
        }
      }
      if (every !== undefined && !stop.signal.aborted) {
        timer = window.setTimeout(() => void read(), every);
      }
    };
    void read();
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [key, every, version]);
  return polled.key === key ? polled : { answer: undefined, error: undefined };
}

function isDenied(error: unknown): boolean {
  return error instanceof ApiError && error.isDenied;
}
