import { useEffect, useRef, useState } from 'preact/hooks';
import type { OperationDetail } from '../../api-types.js';
import { isLive } from '../logic/marks.js';
import { type Polled, usePolled } from './poll.js';
import { session } from './session.js';

/** Milliseconds between two readings at least, while the feed tells of changes. */
const PACE = 500;
const POLL = 3_000;

/** An operation and what is around it, read again as long as something of it may change. */
export function useDetail(id: string, all: boolean): Polled<OperationDetail> {
  const [version, setVersion] = useState(0);
  const path = `operations/${encodeURIComponent(id)}`;
  const every = all ? POLL : undefined;
  const polled = usePolled<OperationDetail>(path, all ? 'instances=all' : '', every, version);
  const { answer } = polled;
  const moves =
    answer === undefined || [answer.operation, ...answer.descendants].some((each) => isLive(each));
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => {
    if (all || !moves) return undefined;
    const read = () => {
      timer.current ??= window.setTimeout(() => {
        timer.current = undefined;
        setVersion((count) => count + 1);
      }, PACE);
    };
    const stop = session.live.subscribe(read);
    return () => {
      stop();
      window.clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [id, all, moves]);
  return polled;
}
