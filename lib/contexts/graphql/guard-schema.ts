import { type CancelationError, isCancelation } from '../../core/cancelation-error.js';
import { currentScope } from '../../core/context.js';
import { isThenable, type OperationState } from '../../core/operation-state.js';
import { ownError } from '../foreign-cancelation.js';
import { toGraphqlError } from './graphql-errors.js';

type Resolve = (source: unknown, args: unknown, context: unknown, info: unknown) => unknown;

interface Field {
  resolve?: Resolve;
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
    }
  }
}

function guardResolve(resolve: Resolve): Resolve {
  return function guardedResolve(this: unknown, source, args, context, info): unknown {
    try {
      const result = resolve.call(this, source, args, context, info);
      return isThenable(result) ? result.then(undefined, rethrow) : result;
    } catch (error) {
      return rethrow(error);
    }
  };
}

/** Runs in the context that the field was resolved in. */
function rethrow(error: unknown): never {
  const state = isCancelation(error)
    ? (currentScope()?.operation() as OperationState | undefined)
    : undefined;
  const own =
    state === undefined ? error : ownError(error as CancelationError, state.rootId, state.host);
  throw toGraphqlError(own);
}
