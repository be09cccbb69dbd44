import type { Answered } from '../../api-types.js';
import { Icon } from './icons.js';

/** Says plainly when not all instances have answered. */
export function Completeness({ answer }: Answered) {
  if (answer === undefined || answer.complete) return null;
  const missing = answer.expected.filter((name) => !answer.replied.includes(name));
  return (
    <p class="warning" role="status">
      <Icon name="zombie" />
      <span>
        <strong>Incomplete.</strong>{' '}
        {missing.length === 0
          ? 'Not all instances could be asked.'
          : `${answer.replied.length} of ${answer.expected.length} instances have answered; no answer from `}
        {missing.length > 0 && <bdi>{missing.join(', ')}</bdi>}
      </span>
    </p>
  );
}

export function Failure({ error }: { readonly error: unknown }) {
  if (error === undefined) return null;
  return (
    <p class="warning" role="alert">
      <Icon name="failed" />
      <span>{error instanceof Error ? error.message : String(error)}</span>
    </p>
  );
}
