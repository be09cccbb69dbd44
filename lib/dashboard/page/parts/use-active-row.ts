import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { takeShownBefore } from '../data/location.js';
import type { GridRow } from '../logic/grid-row.js';

export interface ActiveRow {
  /** Its index; -1: none. */
  readonly active: number;
  /** It has the focus already. */
  readonly setActive: (id: string | undefined) => void;
  /** It is shown, and gets the focus. */
  readonly moveTo: (id: string | undefined) => void;
}

/**
 * The row that the keys move from, which stays the same operation when rows move. At first it is the
 * one that one came back from.
 *
 * @param height of a row, in pixels
 */
export function useActiveRow(
  rows: readonly GridRow[],
  scroller: { readonly current: HTMLElement | null },
  height: number,
): ActiveRow {
  const [id, setActive] = useState(takeShownBefore);
  const wantsFocus = useRef(id !== undefined);
  const active = id === undefined ? -1 : rows.findIndex(({ operation }) => operation.id === id);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!wantsFocus.current || element === null || rows.length === 0) return;
    wantsFocus.current = false;
    if (active >= 0) reveal(element, active, height);
  });
  const moveTo = (target: string | undefined) => {
    wantsFocus.current = true;
    setActive(target);
  };
  return { active, setActive, moveTo };
}

function reveal(scroller: HTMLElement, index: number, height: number): void {
  const head = scroller.querySelector<HTMLElement>('.head')?.offsetHeight ?? 0;
  const top = index * height;
  const seen = scroller.clientHeight - head;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top + height > scroller.scrollTop + seen) scroller.scrollTop = top + height - seen;
  scroller.querySelector<HTMLElement>('.row[tabindex="0"]')?.focus({ preventScroll: true });
}
