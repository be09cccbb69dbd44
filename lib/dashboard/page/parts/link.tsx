import type { ComponentChildren } from 'preact';
import { address } from '../data/location.js';
import { operationHash } from '../logic/route.js';
import { Text } from './text.js';

interface LinkProps {
  readonly hash: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly tabIndex?: number;
  readonly current?: boolean;
}

/** To another view of the page. */
export function Link({ hash, children, class: name, tabIndex, current = false }: LinkProps) {
  return (
    <a
      href={address(hash)}
      class={name}
      tabIndex={tabIndex}
      aria-current={current ? 'page' : undefined}
    >
      {children}
    </a>
  );
}

interface OperationLinkProps {
  readonly id: string;
  readonly name: string;
  readonly all: boolean;
  readonly tabIndex?: number;
}

export function OperationLink({ id, name, all, tabIndex }: OperationLinkProps) {
  return (
    <Link hash={operationHash(id, all)} {...(tabIndex === undefined ? {} : { tabIndex })}>
      <Text of={name} />
    </Link>
  );
}
