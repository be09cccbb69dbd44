import type { Operation } from '../operation/operation.js';
import { type CancelationSource, readSources, type SourceLike } from './source.js';
import { bare, memberOf } from '../scope/plain-object.js';
import type { SourceStop, SourceTrigger } from '../operation/start-sources.js';
import { CancelationToken } from '../scope/token.js';
import { listeningTo, signalsOf } from './on-signal.js';

type Trigger = (trigger?: SourceTrigger) => void;

/** Anything that can be a source, as a custom one: what composites are made of. */
export function toCustomSource(source: SourceLike): CancelationSource {
  if (isCustom(source)) return source;
  return {
    name: describe(source),
    start(trigger) {
      const token = source instanceof CancelationToken ? source : CancelationToken.any(source);
      return token.onCancel((error) =>
        trigger({ reason: error.reason, message: error.message, cause: error }),
      );
    },
  };
}

function isCustom(source: SourceLike): source is CancelationSource {
  return typeof source === 'object' && memberOf(source, 'start') !== undefined;
}

function injectedInto(part: CancelationSource): readonly unknown[] {
  return (memberOf(part, 'inject') as CancelationSource['inject']) ?? [];
}

function describe(source: Exclude<SourceLike, CancelationSource>): string {
  if (source instanceof CancelationToken) return 'token';
  if (source instanceof Date) return `deadline ${source.toISOString()}`;
  return typeof source === 'object' ? 'signal' : `timeout ${source}`;
}

/**
 * Cancels when the first of its sources triggers.
 *
 * @throws TypeError for what is no source
 * @example
 * sources: [anyOf(onSignal('SIGWINCH'), onCondition(() => queue.isEmpty()))]
 * @publicApi
 */
export function anyOf(...sources: readonly SourceLike[]): CancelationSource {
  return combine('anyOf', sources, (_index, found, trigger) => trigger(found));
}

/**
 * Cancels when all of its sources have triggered, each once; with the reason of the last.
 *
 * @throws TypeError for what is no source
 * @example
 * sources: [allOf('1m', onCondition(() => importer.isPastTheHeader))]
 * @publicApi
 */
export function allOf(...sources: readonly SourceLike[]): CancelationSource {
  return combine('allOf', sources, (index, found, trigger, latched) => {
    latched.add(index);
    if (latched.size === sources.length) trigger(found);
  });
}

type Rule = (index: number, found: SourceTrigger, trigger: Trigger, latched: Set<number>) => void;

function combine(kind: string, sources: readonly SourceLike[], rule: Rule): CancelationSource {
  readSources([...sources], `${kind}()`);
  if (sources.length === 0)
    throw new TypeError(`${kind}(): no sources are given. Allowed: one or more.`);
  const parts = sources.map(toCustomSource);
  const inject = parts.flatMap(injectedInto);
  return listeningTo(parts.flatMap(signalsOf), {
    name: `${kind}(${parts.map(({ name }) => name).join(', ')})`,
    ...(inject.length === 0 ? undefined : { inject }),
    start: (trigger, operation, ...injected: unknown[]) =>
      startParts(parts, rule, trigger, operation, injected),
  });
}

async function startLate(
  pending: readonly Promise<SourceStop | void>[],
  stops: SourceStop[],
): Promise<SourceStop> {
  const results = await Promise.allSettled(pending);
  for (const result of results) {
    if (result.status === 'fulfilled' && typeof result.value === 'function')
      stops.push(result.value);
  }
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return () => stopAll(stops);
  await stopAll(stops).catch(() => {});
  throw failed.reason;
}

function startParts(
  parts: readonly CancelationSource[],
  rule: Rule,
  trigger: Trigger,
  operation: Operation,
  injected: unknown[],
): SourceStop | Promise<SourceStop> {
  const latched = new Set<number>();
  const stops: SourceStop[] = [];
  const pending: Promise<SourceStop | void>[] = [];
  let offset = 0;
  try {
    parts.forEach((part, index) => {
      const wanted = injectedInto(part).length;
      const own = injected.slice(offset, (offset += wanted));
      const named: Trigger = (given = bare({})) => {
        const found = bare(given);
        rule(index, { ...found, message: found.message ?? part.name }, trigger, latched);
      };
      const started = part.start(named, operation, ...own);
      if (started instanceof Promise) pending.push(started);
      else if (typeof started === 'function') stops.push(started);
    });
  } catch (error) {
    void stopAll(stops);
    throw error;
  }
  return pending.length === 0 ? () => stopAll(stops) : startLate(pending, stops);
}

async function stopAll(stops: readonly SourceStop[]): Promise<void> {
  const results = await Promise.allSettled(
    stops.map((stop) => new Promise((resolve) => resolve(stop()))),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
