import {
  type ListDefaults,
  type ListState,
  readListState,
  writeListState,
} from '../logic/list-state.js';
import type { ViewName } from '../logic/route.js';
import { replaceParams, route } from './location.js';
import { useStore } from './store.js';

/** What a list shows, as the address says it, and how to change that. */
export function useListState(
  view: ViewName,
  defaults: ListDefaults,
): [ListState, (change: Partial<ListState>) => void] {
  const { params } = useStore(route);
  const state = readListState(params, defaults);
  const change = (changed: Partial<ListState>) =>
    replaceParams(view, writeListState({ ...state, ...changed }, defaults));
  return [state, change];
}
