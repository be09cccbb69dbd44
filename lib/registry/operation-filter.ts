import { isDeepStrictEqual } from 'node:util';
import type { CancelationReason } from '../scope/cancelation-error.js';
import { CANCELATION_REASONS } from '../scope/cancelation-reasons.js';
import { quote } from '../scope/describe-value.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import {
  OPERATION_STATUSES,
  type OperationKind,
  type OperationMetadata,
  type OperationStatus,
} from '../operation/operation-options.js';
import { bare, isPlainObject, ownValue } from '../scope/plain-object.js';
import { readFunction, refusePromise } from '../scope/promised-options.js';
import { operationReaders } from '../operation/operation-readers.js';
import { checkOptions, countOf, readSpan, refuse } from '../scope/validate.js';
import type { OperationSnapshot } from '../operation/snapshot.js';
import { type FilterSubject, momentBefore, snapshotOfSubject } from './filter-subject.js';

/**
 * Which operations. All keys that are present must match; a key that is present with the value
 * `undefined` throws, since it never means "all".
 *
 * @publicApi
 */
export interface OperationFilter {
  /** The id. */
  id?: string;
  /** Where it stands: one of these. */
  status?: OperationStatus | readonly OperationStatus[];
  /** Why it was canceled: one of these. */
  reason?: CancelationReason | readonly CancelationReason[];
  /** The exact name, or a pattern. */
  name?: string | RegExp;
  /** What began it. */
  kind?: OperationKind;
  /** Its parent: gives the children of one. */
  parentId?: string;
  /** The outermost of its tree: gives the whole tree, the root included. */
  rootId?: string;
  /** One of its tags. */
  tag?: string;
  /** A subset: every key given here has an equal value there. */
  metadata?: OperationMetadata;
  /** Live ones that started, remembered ones that ended, at least so long ago. */
  olderThan?: Duration;
  /** Started at or after this moment. */
  since?: Date;
  /** Applied last; keeps the newest. 0: none. */
  limit?: number;
  /** Whatever else must be true of it. Synchronous: a promise is refused. */
  where?: (operation: OperationSnapshot) => boolean;
}

/** Whether an operation matches, live or remembered. */
export interface Matcher {
  readonly matches: (subject: FilterSubject) => boolean;
  readonly limit: number;
  /** Everything matches: no need to ask. */
  readonly all: boolean;
}

export const ALL: Matcher = { matches: () => true, limit: Infinity, all: true };

const readText = (value: unknown, where: string) => {
  if (typeof value !== 'string') refuse(where, value, 'a string');
};
const oneOrMoreOf = (allowed: readonly string[]) => (value: unknown, where: string) => {
  for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (!allowed.includes(one as string)) {
      refuse(where, one, allowed.map((each) => `'${each}'`).join(', '));
    }
  }
};

/** What `new RegExp(undefined)` gives, which matches everything. */
const EMPTY_PATTERN = new RegExp('').source;

const READERS = {
  id: readText,
  status: oneOrMoreOf(OPERATION_STATUSES),
  reason: oneOrMoreOf(CANCELATION_REASONS),
  name: (value: unknown, where: string) => {
    if (!(value instanceof RegExp)) readText(value, where);
    else if (value.source === EMPTY_PATTERN) refuse(where, value, 'a pattern that says something');
  },
  kind: operationReaders.kind,
  parentId: readText,
  rootId: readText,
  tag: readText,
  metadata: (value: unknown, where: string) => {
    if (Object.keys(readKeys(value, where, 'a plain object')).length === 0) {
      refuse(where, value, 'an object with at least one key');
    }
  },
  olderThan: readSpan,
  since: (value: unknown, where: string) => {
    if (!(value instanceof Date) || Number.isNaN(value.getTime()))
      refuse(where, value, 'a valid Date');
  },
  limit: countOf(0),
  where: (value: unknown, where: string) => readFunction(value, where),
};

/**
 * @param where the method, for messages
 * @throws TypeError for what is no plain object, unknown keys, impossible values, and keys with the
 * value `undefined`
 */
export function compileFilter(filter: OperationFilter | undefined, where: string): Matcher {
  if (filter === undefined) return ALL;
  const keys = readKeys(filter, where, 'a plain filter object');
  checkOptions(keys, where, READERS);
  const { limit = Infinity } = keys as OperationFilter;
  delete keys['limit'];
  const tests = compileTests(keys, where);
  return { limit, all: tests.length === 0, matches: allOf(tests) };
}

type Test = (subject: FilterSubject) => boolean;

/** One closure for the usual case of one key: it runs for each of perhaps 100,000 operations. */
function allOf(tests: readonly Test[]): Test {
  const [first] = tests;
  if (first === undefined) return () => true;
  return tests.length === 1 ? first : (subject) => tests.every((test) => test(subject));
}

function compileTests(filter: OperationFilter, at: string): Test[] {
  const tests: Test[] = [];
  const { id, name, status, reason, kind, parentId, rootId, tag, metadata } = filter;
  const { olderThan, since, where } = filter;
  if (id !== undefined) tests.push((subject) => subject.isNamed(id));
  if (name !== undefined) {
    const matches = nameTest(name);
    tests.push((subject) => matches(subject.name));
  }
  if (status !== undefined) {
    const statuses = listOf(status);
    tests.push((subject) => statuses.includes(subject.status));
  }
  if (reason !== undefined) {
    const reasons: readonly (CancelationReason | undefined)[] = listOf(reason);
    tests.push((subject) => reasons.includes(subject.reason));
  }
  if (kind !== undefined) tests.push((subject) => subject.kind === kind);
  if (tag !== undefined) tests.push((subject) => subject.tags?.includes(tag) === true);
  if (metadata !== undefined) {
    const matches = metadataTest(metadata);
    tests.push((subject) => matches(subject.metadata ?? {}));
  }
  if (parentId !== undefined) tests.push((subject) => subject.isChildOf(parentId));
  if (rootId !== undefined) tests.push((subject) => subject.isUnder(rootId));
  if (olderThan !== undefined) {
    const moment = momentBefore(parseDuration(olderThan, '', { zero: true }));
    tests.push((subject) => subject.isOlderThan(moment));
  }
  if (since !== undefined) {
    const from = since.getTime();
    tests.push((subject) => subject.startedWall >= from);
  }
  if (where !== undefined) {
    tests.push((subject) => {
      const answer: unknown = where(snapshotOfSubject(subject));
      // A promise would be as good as true, for all of them.
      refusePromise(answer, `${at}: where`);
      return Boolean(answer);
    });
  }
  return tests;
}

function nameTest(name: string | RegExp): (candidate: string) => boolean {
  if (typeof name === 'string') return (candidate) => candidate === name;
  const stateless = new RegExp(name.source, name.flags.replaceAll(/[gy]/g, ''));
  return (candidate) => stateless.test(candidate);
}

function metadataTest(subset: OperationMetadata): (metadata: OperationMetadata) => boolean {
  const entries = Object.entries(readKeys(subset, 'metadata', 'a plain object'));
  return (metadata) =>
    entries.every(([key, value]) => {
      const other = ownValue(metadata, key);
      return other === value || (typeof value === 'object' && isDeepStrictEqual(other, value));
    });
}

function listOf<Value>(value: Value | readonly Value[]): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : [value as Value];
}

/**
 * The own keys of an object, read once. What keeps its keys elsewhere (a Map, an instance with
 * getters, a prototype) would seem to have none, and match everything.
 */
function readKeys(value: unknown, where: string, allowed: string): Record<string, unknown> {
  if (!isPlainObject(value)) refuse(where, value, allowed);
  const keys: Record<string, unknown> = bare({});
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'symbol') refuse(where, key, 'keys that are strings');
    if (value[key] === undefined) {
      throw new TypeError(
        `${where}: the filter's ${quote(key)} is undefined. It would match everything, so it is refused: ` +
          'leave the key out, or check the value first.',
      );
    }
    keys[key] = value[key];
  }
  return keys;
}
