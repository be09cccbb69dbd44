// Not run: what compiles here is promised, and every line below a @ts-expect-error must not.
import type { MessageEvent } from '@nestjs/common';
import type {
  OperationMessage,
  OperationRegistry,
  OperationScope,
  OperationSnapshot,
  PublicOperation,
  ScopedRegistry,
} from 'nestjs-cancelable';
import type { Observable } from 'rxjs';

export function watches(operations: OperationRegistry): Observable<MessageEvent> {
  operations.watch('id').subscribe(({ data, type }) => {
    const seen: [PublicOperation, string | undefined, number | undefined] = [
      data,
      data.code,
      data.progress?.percent,
    ];
    // @ts-expect-error -- metadata is not for everybody
    const owner: unknown = data.metadata;
    // @ts-expect-error -- nor are messages
    const message: unknown = data.progress?.message;
    return [seen, owner, message, type];
  });
  const full: Observable<OperationMessage<OperationSnapshot>> = operations.watch('id', {
    view: 'full',
    heartbeat: '15s',
  });
  // @ts-expect-error -- there is no such view
  operations.watch('id', { view: 'all' });
  full.subscribe(({ data }) => data.metadata);
  return operations.watch('id');
}

export function scopes(operations: OperationRegistry): ScopedRegistry {
  const scope: OperationScope = { name: 'import', metadata: { owner: 'ann' } };
  const imports = operations.scoped(scope);
  const found: PublicOperation | undefined = imports.find('id', { view: 'public' });
  const whole: OperationSnapshot | undefined = imports.find('id');
  // @ts-expect-error -- a scope has no limit
  operations.scoped({ name: 'import', limit: 1 });
  // @ts-expect-error -- it shows nothing of what is outside of it
  const statistics: unknown = imports.statistics();
  return [found, whole, statistics].length > 0 ? imports.scoped({ tag: 'night' }) : operations;
}
