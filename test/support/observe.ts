import type { OperationEvent, OperationRegistry, OperationSnapshot } from 'nestjs-cancelable';
import { filter, firstValueFrom, take, toArray } from 'rxjs';

/** A registry, and what happens in it as promises. */
export interface Observed {
  readonly registry: OperationRegistry;
  /** The next event of a type; ask before what causes it. */
  next(type: OperationEvent['type'], name?: string): Promise<OperationSnapshot>;
  /** So many of them. */
  collect(type: OperationEvent['type'], count: number): Promise<OperationSnapshot[]>;
}

export function observe(registry: OperationRegistry): Observed {
  const events = (type: OperationEvent['type'], name?: string) =>
    registry.events$.pipe(
      filter((event) => event.type === type),
      filter(({ operation }) => name === undefined || operation.name === name),
    );
  return {
    registry,
    next: async (type, name) => (await firstValueFrom(events(type, name))).operation,
    collect: async (type, count) => {
      const found = await firstValueFrom(events(type).pipe(take(count), toArray()));
      return found.map((event) => event.operation);
    },
  };
}
