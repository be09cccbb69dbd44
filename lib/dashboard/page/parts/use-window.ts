import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** Rows beyond what is seen, so that fast scrolling shows no gaps. */
const BEYOND = 6;

/** The rows that are seen; `until` is not among them. */
export interface RowWindow {
  readonly first: number;
  readonly until: number;
}

/**
 * Which rows of equal height are seen in an element that scrolls.
 *
 * @param count rows
 * @param height of a row, in pixels
 */
export function useWindow(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  height: number,
): RowWindow {
  const [seen, setSeen] = useState({ top: 0, size: 800 });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    let frame: number | undefined;
    const measure = () => {
      frame = undefined;
      const { scrollTop: top, clientHeight: size } = element;
      setSeen((before) => (before.top === top && before.size === size ? before : { top, size }));
    };
    const later = () => (frame ??= requestAnimationFrame(measure));
    const observer = new ResizeObserver(later);
    observer.observe(element);
    element.addEventListener('scroll', later, { passive: true });
    measure();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', later);
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, []);
  const first = Math.max(0, Math.min(Math.floor(seen.top / height) - BEYOND, count));
  const until = Math.min(count, Math.ceil((seen.top + seen.size) / height) + BEYOND);
  return { first, until };
}
