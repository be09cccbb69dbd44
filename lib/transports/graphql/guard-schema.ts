import { contextStorage } from '../../scope/context-storage.js';
import { isThenable } from '../../scope/thenable.js';
import { answerInContext } from './early-graphql-errors.js';
import type { ResolverInfo } from './resolver-args.js';
import { subscriptionCell } from './subscription-cells.js';

type Resolve = (source: unknown, args: unknown, context: unknown, info: ResolverInfo) => unknown;

interface Field {
  resolve?: Resolve;
  /** Begins a subscription. */
  subscribe?: Resolve;
}

/** A GraphQLSchema, as far as it is used here. */
export interface Schema {
  getTypeMap(): Readonly<Record<string, { getFields?(): Readonly<Record<string, Field>> }>>;
}

const guarded = new WeakSet<Schema>();

/**
 * Lets every field answer for cancelations. Nest calls no interceptor for the resolvers of fields,
 * and what their providers throw would reach the client with its own message.
 */
export function guardSchema(schema: Schema): void {
  if (guarded.has(schema)) return;
  guarded.add(schema);
  for (const [name, type] of Object.entries(schema.getTypeMap())) {
    if (name.startsWith('__') || typeof type.getFields !== 'function') continue;
    for (const field of Object.values(type.getFields())) {
      if (typeof field.resolve === 'function') field.resolve = guardResolve(field.resolve);
      if (typeof field.subscribe === 'function') field.subscribe = guardResolve(field.subscribe);
    }
  }
}

function guardResolve(resolve: Resolve): Resolve {
  return function guardedResolve(this: unknown, source, args, context, info): unknown {
    try {
      const cell = subscriptionCell(context, info);
      const result =
        cell === undefined
          ? resolve.call(this, source, args, context, info)
          : contextStorage.run(cell, () => resolve.call(this, source, args, context, info));
      return isThenable(result) ? result.then(undefined, rethrow) : result;
    } catch (error) {
      return rethrow(error);
    }
  };
}

function rethrow(error: unknown): never {
  throw answerInContext(error);
}
