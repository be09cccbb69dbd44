import { isDeepStrictEqual } from 'node:util';
import { describeValue } from '../scope/describe-value.js';
import type { OperationMetadata } from '../operation/operation-options.js';
import { bare, isRecord } from '../scope/plain-object.js';
import { compileFilter, type Matcher, type OperationFilter } from './operation-filter.js';

/**
 * Which operations a scoped registry is for.
 *
 * @publicApi
 */
export type OperationScope = Omit<OperationFilter, 'limit'>;

/** The options that a scope gives to an operation that it begins. */
interface ScopedOptions {
  name?: string;
  kind?: string;
  tags?: readonly string[];
  metadata?: OperationMetadata;
}

/** The keys of a filter that can be given to a new operation. */
const GIVEN: ReadonlySet<string> = new Set(['name', 'kind', 'tag', 'metadata']);

/**
 * The filter of a scope, as it is now.
 *
 * @param where the method, for messages
 * @throws TypeError when it is not valid, has a key that is undefined, or has no key at all: a scope
 * never means "all"
 */
export function readScope(filter: OperationScope, where: string): OperationScope {
  compileFilter(filter, where);
  const keys = Object.getOwnPropertyNames(filter ?? {}) as (keyof OperationScope)[];
  if (keys.length === 0) {
    throw new TypeError(`${where} needs a filter that says something, such as { name: 'import' }`);
  }
  const own = bare(Object.fromEntries(keys.map((key) => [key, filter[key]])) as OperationFilter);
  if (own.limit !== undefined) {
    throw new TypeError(`${where}: limit belongs into the filters of its lists, not of the scope`);
  }
  if (own.metadata !== undefined) own.metadata = { ...own.metadata };
  return own;
}

/** The filters of a scoped registry, all of which must match. */
export class RegistryScope {
  private constructor(private readonly filters: readonly OperationScope[]) {}

  /**
   * @throws TypeError when the filter is not valid, has a key that is undefined, or has no key at
   * all: a scope never means "all"
   */
  static of(filter: OperationScope, outer: RegistryScope | undefined): RegistryScope {
    const own = readScope(filter, 'scoped()');
    return new RegistryScope([...(outer?.filters ?? []), own]);
  }

  /** As of now: `olderThan` moves with the clock. */
  matcher(): Matcher {
    return this.filters.map((filter) => compileFilter(filter, 'scoped()')).reduce(both);
  }

  /**
   * The options of an operation that is begun in this scope: with its name, kind, tag and metadata.
   *
   * @throws TypeError when the operation would not be in the scope
   */
  optionsFor<Options extends object>(options: Options | string, where: string): Options {
    const given: unknown = typeof options === 'string' ? { name: options } : options;
    // The reader of the options refuses what is no object.
    if (!isRecord(given)) return given as Options;
    const laid: ScopedOptions = bare(given);
    for (const filter of this.filters) layOver(laid, filter, where);
    return laid as Options;
  }
}

function layOver(laid: ScopedOptions, filter: OperationScope, where: string): void {
  for (const key of Object.keys(filter)) {
    if (GIVEN.has(key)) continue;
    throw new TypeError(
      `${where}: a registry scoped by '${key}' can begin nothing, since that cannot be given to an ` +
        `operation. Begin it in the registry itself, or scope by ${[...GIVEN].join(', ')} alone.`,
    );
  }
  const { name, kind, tag, metadata } = filter;
  if (name instanceof RegExp) {
    if (!new RegExp(name).test(laid.name ?? 'task')) throw outside(where, 'name', laid.name, name);
  } else if (name !== undefined) {
    laid.name = agree(laid.name, name, 'name', where);
  }
  if (kind !== undefined) laid.kind = agree(laid.kind, kind, 'kind', where);
  if (tag !== undefined) laid.tags = [...new Set([...(laid.tags ?? []), tag])];
  if (metadata !== undefined) {
    const merged = bare<OperationMetadata>(laid.metadata ?? {});
    for (const [key, value] of Object.entries(metadata)) {
      merged[key] = agree(merged[key], value, `metadata.${key}`, where);
    }
    laid.metadata = merged;
  }
}

function agree<Value>(given: Value | undefined, scope: Value, key: string, where: string): Value {
  if (given !== undefined && !isDeepStrictEqual(given, scope)) {
    throw outside(where, key, given, scope);
  }
  return scope;
}

function outside(where: string, key: string, given: unknown, scope: unknown): TypeError {
  return new TypeError(
    `${where}: ${key} ${describeValue(given)} is outside of this scope, which is for ${describeValue(scope)}. ` +
      'Leave it out, or begin it in the registry itself.',
  );
}

/** Both must match; the limit is the inner one's. */
export function both(outer: Matcher, inner: Matcher): Matcher {
  if (outer.all) return inner;
  return {
    limit: inner.limit,
    all: false,
    matches: (subject) => outer.matches(subject) && inner.matches(subject),
  };
}
