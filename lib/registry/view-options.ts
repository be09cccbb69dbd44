import { bare } from '../scope/plain-object.js';
import { readOptions, refuse } from '../scope/validate.js';

/**
 * How much of an operation is shown.
 *
 * @publicApi
 */
export type OperationView = 'public' | 'full';

/**
 * How much of an operation is shown.
 *
 * @publicApi
 */
export interface ViewOptions {
  /**
   * `'public'`: what anybody may know: id, name, status, reason, code, progress in numbers, times.
   * `'full'`: the whole snapshot, for operators: messages, metadata, errors, partial results.
   */
  readonly view?: OperationView;
}

/** @throws TypeError for a view that does not exist, and for what `more` does not allow */
export function readView(
  options: ViewOptions = bare({}),
  where: string,
  orElse: OperationView,
  more: Parameters<typeof readOptions>[2] = {},
): OperationView {
  const { view = orElse } = readOptions(options, where, {
    ...more,
    view: (value, at) => {
      if (value !== 'public' && value !== 'full') refuse(at, value, "'public', 'full'");
    },
  });
  return view;
}
