import { BadRequestException } from '@nestjs/common';
import { CANCELATION_REASONS } from '../scope/cancelation-reasons.js';
import { parseDuration } from '../scope/duration.js';
import { isRecord } from '../scope/plain-object.js';
import { OPERATION_KINDS, OPERATION_STATUSES } from '../operation/operation-options.js';
import { type OperationQuery, type Sort, SORTS } from './api-types.js';

/** Which part of what was found, in which order. */
export interface PageRequest {
  readonly sort: Sort;
  readonly descending: boolean;
  readonly offset: number;
  readonly limit: number;
}

const LONGEST_TEXT = 256;
const LARGEST_PAGE = 10_000;
const USUAL_PAGE = 100;

type Reader = (value: unknown, key: string) => unknown;

const readString: Reader = (value, key) => {
  if (typeof value === 'string' && value !== '' && value.length <= LONGEST_TEXT) return value;
  return refuse(key, `a text of 1 to ${LONGEST_TEXT} characters`);
};

const wordsOf =
  (allowed: readonly string[]): Reader =>
  (value, key) => {
    const list: unknown[] =
      typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [value];
    const isFine = list.length > 0 && list.every((each) => allowed.includes(each as string));
    return isFine ? list : refuse(key, allowed.join(', '));
  };

const wordOf =
  (allowed: readonly string[]): Reader =>
  (value, key) =>
    allowed.includes(value as string) ? value : refuse(key, allowed.join(', '));

const countUpTo =
  (most: number): Reader =>
  (value, key) => {
    const count = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
    return Number.isSafeInteger(count) && (count as number) >= 0 && (count as number) <= most
      ? count
      : refuse(key, `a whole number up to ${most}`);
  };

const readTruth: Reader = (value, key) => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  return refuse(key, 'true, false');
};

const readSpan: Reader = (value, key) => {
  try {
    const span = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value;
    return parseDuration(span, key, { zero: true });
  } catch {
    return refuse(key, "a duration such as '5m', or milliseconds");
  }
};

const QUERY: Readonly<Record<keyof OperationQuery, Reader>> = {
  status: wordsOf(OPERATION_STATUSES),
  reason: wordsOf(CANCELATION_REASONS),
  kind: wordsOf(OPERATION_KINDS),
  name: readString,
  tag: readString,
  rootId: readString,
  parentId: readString,
  text: readString,
  olderThan: readSpan,
  zombie: readTruth,
};

const PAGE: Readonly<Record<string, Reader>> = {
  sort: wordOf(SORTS),
  order: wordOf(['asc', 'desc']),
  offset: countUpTo(1e9),
  limit: countUpTo(LARGEST_PAGE),
};

/** What a request may say beside a query. */
export const INSTANCES: Readonly<Record<string, Reader>> = { instances: wordOf(['this', 'all']) };

/** @throws BadRequestException for keys and values that do not exist */
export function readQuery(
  given: unknown,
  also: Readonly<Record<string, Reader>> = {},
): OperationQuery {
  return readKeys(given, { ...QUERY, ...also }, QUERY);
}

/**
 * @param usual what a list is sorted by that says nothing of it
 * @throws BadRequestException for values that do not exist
 */
export function readPage(given: unknown, usual: Sort): PageRequest {
  const page = readKeys<Record<string, unknown>>(given, { ...QUERY, ...INSTANCES, ...PAGE }, PAGE);
  const { sort = usual, order = 'desc', offset = 0, limit = USUAL_PAGE } = page;
  return {
    sort: sort as Sort,
    descending: order === 'desc',
    offset: offset as number,
    limit: limit as number,
  };
}

/** The query of a list: with the keys of its page, and which instances are asked. */
export function readListQuery(given: unknown): OperationQuery {
  return readQuery(given, { ...PAGE, ...INSTANCES });
}

/** Whether all instances are asked. */
export function asksAll(given: unknown): boolean {
  return isRecord(given) && given['instances'] === 'all';
}

function readKeys<Result>(
  given: unknown,
  known: Readonly<Record<string, Reader>>,
  wanted: Readonly<Record<string, Reader>>,
): Result {
  if (!isRecord(given)) throw new BadRequestException('The filter has to be an object');
  const read: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    const reader = Object.hasOwn(known, key) ? known[key] : undefined;
    if (reader === undefined) {
      throw new BadRequestException(
        `There is no ${key.slice(0, 40)}. Allowed: ${Object.keys(known).join(', ')}`,
      );
    }
    const found = reader(value, key);
    if (Object.hasOwn(wanted, key)) read[key] = found;
  }
  return read as Result;
}

function refuse(key: string, allowed: string): never {
  throw new BadRequestException(`${key} has to be: ${allowed}`);
}
