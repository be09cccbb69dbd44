import { isDeepStrictEqual } from 'node:util';
import { wallNow } from '../scope/clock.js';
import { parseDuration } from '../scope/duration.js';
import { bare, isRecord } from '../scope/plain-object.js';
import { compileFilter, type Matcher, type OperationFilter } from './operation-filter.js';
import { both } from './registry-scope.js';
import { dangerOf } from './safe-pattern.js';

/**
 * Which operations, of all instances: an `OperationFilter` that can travel. Without `where`; a
 * pattern for `name` of at most 200 characters that is safe to run; `metadata` as JSON can carry
 * it. `since` is understood by how long ago it is, whatever the other clocks say.
 *
 * @publicApi
 */
export type ClusterFilter = Omit<OperationFilter, 'where'>;

interface Pattern {
  readonly source: string;
  readonly flags: string;
}

/** Names that are longer are cut before a pattern is tried on them. */
const LONGEST_NAME = 256;
const MOST_NAMES = 1_000;
/** Scopes within each other. */
const MOST_SCOPES = 100;

/** @throws TypeError for what is no filter, and for what cannot travel */
export function encodeFilter(filter: ClusterFilter | undefined, where: string): unknown {
  compileFilter(filter, where);
  if (filter === undefined) return null;
  const { name, olderThan, since, metadata, ...rest } = bare(filter);
  if ('where' in rest) {
    throw new TypeError(
      `${where}: where is a function, which cannot travel to other instances. Allowed: the other keys, metadata above all.`,
    );
  }
  return {
    ...rest,
    ...(name === undefined ? undefined : { name: encodeName(name, where) }),
    ...(olderThan === undefined ? undefined : { olderThan: spanOf(olderThan) }),
    ...(since === undefined ? undefined : { age: wallNow() - since.getTime() }),
    ...(metadata === undefined ? undefined : { metadata: encodeMetadata(metadata, where) }),
  };
}

function spanOf(duration: NonNullable<ClusterFilter['olderThan']>): number {
  return parseDuration(duration, 'olderThan', { zero: true });
}

function encodeName(name: string | RegExp, where: string): string | Pattern {
  if (typeof name === 'string') return name;
  const danger = dangerOf(name);
  if (danger !== undefined) {
    throw new TypeError(
      `${where}: name: the pattern ${name} is refused, since every instance would run it: ${danger}.`,
    );
  }
  const { source, flags } = name;
  return { source, flags: flags.replaceAll(/[gyd]/g, '') };
}

function encodeMetadata(metadata: object, where: string): unknown {
  let copy: unknown;
  try {
    copy = JSON.parse(JSON.stringify(metadata));
  } catch {
    copy = undefined;
  }
  if (isDeepStrictEqual(copy, { ...metadata })) return copy;
  throw new TypeError(
    `${where}: metadata holds what JSON does not carry. Allowed: text, numbers, true, false, null, arrays and plain objects of these.`,
  );
}

/** @throws TypeError for what is no filter */
export function decodeFilter(data: unknown): Matcher {
  if (data === null) return compileFilter(undefined, 'cluster');
  if (!isRecord(data)) throw new TypeError('not a filter');
  const { name, age, ...rest } = data;
  const filter: Record<string, unknown> = rest;
  if (typeof name === 'string') filter['name'] = name;
  if (age !== undefined) {
    if (typeof age !== 'number') throw new TypeError('not a filter');
    filter['since'] = new Date(wallNow() - age);
  }
  const matcher = compileFilter(filter, 'cluster');
  return isRecord(name) ? both(patternMatcher(name), matcher) : matcher;
}

/** @throws TypeError for what is no list of filters */
export function decodeScope(data: unknown): Matcher {
  if (!Array.isArray(data) || data.length > MOST_SCOPES) throw new TypeError('not a scope');
  return (data as unknown[]).map(decodeFilter).reduce(both, decodeFilter(null));
}

function patternMatcher({ source, flags }: Record<string, unknown>): Matcher {
  if (typeof source !== 'string' || typeof flags !== 'string') throw new TypeError('not a pattern');
  const pattern = new RegExp(source, flags);
  const danger = dangerOf(pattern);
  if (danger !== undefined) throw new TypeError(`the pattern is refused: ${danger}`);
  const known = new Map<string, boolean>();
  const test = (name: string): boolean => {
    let matches = known.get(name);
    if (matches !== undefined) return matches;
    matches = pattern.test(name.slice(0, LONGEST_NAME));
    if (known.size < MOST_NAMES) known.set(name, matches);
    return matches;
  };
  return { limit: Infinity, all: false, matches: ({ name }) => test(name) };
}
