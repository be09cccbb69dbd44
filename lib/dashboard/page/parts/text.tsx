import { clip, visibleText } from '../logic/visible-text.js';

const LONGEST_IN_A_LINE = 200;

interface TextProps {
  readonly of: string;
  /** Default: 200 characters. */
  readonly longest?: number;
}

/** Text of an operation in a line: clipped, and without effect on the direction of what is around. */
export function Text({ of, longest = LONGEST_IN_A_LINE }: TextProps) {
  return <bdi>{visibleText(clip(of, longest))}</bdi>;
}

/** The whole of it, over as many lines as it needs. */
export function WholeText({ of }: { readonly of: string }) {
  return <bdi class="whole">{visibleText(of)}</bdi>;
}

/** Text that has lines of its own, such as a stack or JSON. */
export function Block({ of, label }: { readonly of: string; readonly label: string }) {
  return (
    <pre class="block" tabIndex={0} role="region" aria-label={label}>
      <bdi>{visibleText(of, true)}</bdi>
    </pre>
  );
}
