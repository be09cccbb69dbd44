import { runInThisContext } from 'node:vm';
import { type CallingScope, callingScope } from '../operation/calling-scope.js';
import { Interruption } from '../operation/interruption.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import { contextStorage, inContext } from '../scope/context-storage.js';
import { loadedCopies } from '../scope/loaded-copies.js';
import { isObject } from '../scope/plain-object.js';
import { ownerOf, SharedMethod } from '../scope/shared-method.js';
import type { OutgoingSettings } from './outgoing-options.js';
import { parseUrl } from './parse-url.js';

/** What undici's dispatchers are asked for. */
interface Dispatched {
  readonly origin?: string | URL;
  readonly path?: string;
  readonly headers?: unknown;
  /** Of undici 6, which follows redirects below. */
  readonly maxRedirections?: number;
}

type Callback = (...args: unknown[]) => unknown;

/** The handler of one request: of the old kind, with `onConnect()`, or the new one. */
type Handler = Readonly<Record<string, unknown>>;

type Dispatch = (this: object, options: Dispatched, handler: Handler) => boolean;

/**
 * The callbacks of both kinds.
 * https://undici.nodejs.org/#/docs/api/Dispatcher?id=parameter-dispatchhandler
 */
const CALLBACKS = [
  'onConnect',
  'onUpgrade',
  'onResponseStarted',
  'onHeaders',
  'onData',
  'onComplete',
  'onError',
  'onBodySent',
  'onRequestSent',
  'onRequestStart',
  'onRequestUpgrade',
  'onResponseStart',
  'onResponseData',
  'onResponseEnd',
  'onResponseError',
] as const;

/** After one of these nothing follows. */
const LAST = new Set<string>([
  'onUpgrade',
  'onComplete',
  'onError',
  'onRequestUpgrade',
  'onResponseEnd',
  'onResponseError',
]);

/** Marks the handlers of this file. */
const OWN = Symbol('own');

/**
 * The handlers of requests that belong to no operation and are on their way: dispatchers hand them
 * to one another, and a pool that is full does so later, in the context of whoever has left it.
 */
const seen = new WeakSet<object>();

const dispatch = new SharedMethod<'dispatch', Dispatch, OutgoingSettings>(
  'dispatch',
  (below, owners) => {
    const send: Dispatch = function (options, handler) {
      // Whatever is wrong with them, undici says it.
      if (!isObject(options) || !isObject(handler)) return below.call(this, options, handler);
      if (OWN in handler || seen.has(handler)) return below.call(this, options, handler);
      const caller = callingScope(owners);
      if (caller === undefined || caller.owner.isIgnored(() => urlOf(this, options))) {
        seen.add(handler);
        return below.call(this, options, handler);
      }
      const { scope, owner } = caller;
      const request = new Interruptible(handler, caller);
      scope.checkClock();
      if (scope.isCanceled()) {
        request.interrupt(scope.error());
        return true;
      }
      request.follow();
      // Below, undici 6 would take them along to another origin.
      if ((options.maxRedirections ?? 0) > 0) return below.call(this, options, request.handler);
      const added = owner.headersFor(() => urlOf(this, options)?.origin, caller);
      return below.call(this, withHeaders(options, added), request.handler);
    };
    return send;
  },
);

/** @returns takes it back */
export function replaceDispatch(
  prototype: object,
  host: object,
  settings: OutgoingSettings,
): () => void {
  return dispatch.replaceOn(prototype, host, settings);
}

/** A request that can be told to fail at any time. */
class Interruptible {
  readonly handler: Handler;
  private readonly context = contextStorage.getStore();
  private abort: ((reason: Error) => void) | undefined = undefined;
  private interruption: Interruption | undefined = undefined;
  private isOver = false;
  private stopListening: (() => void) | undefined = undefined;

  constructor(
    private readonly below: Handler,
    private readonly caller: CallingScope<OutgoingSettings>,
  ) {
    const handler: Record<string, Callback> & { [OWN]?: true } = { [OWN]: true };
    for (const name of CALLBACKS) {
      const callback = below[name];
      if (typeof callback === 'function') handler[name] = this.forward(name, callback as Callback);
    }
    this.handler = handler;
  }

  follow(): void {
    const node = this.caller.scope.observe((error) => this.interrupt(error));
    this.stopListening = () => node.remove();
  }

  interrupt(error: CancelationError): void {
    if (this.isOver) return;
    const interruption = (this.interruption = new Interruption(error));
    if (this.abort !== undefined) {
      this.abort(interruption);
      return;
    }
    // undici itself tells nobody before there is a connection.
    this.end();
    const { onError, onResponseError } = this.below;
    if (typeof onResponseError === 'function') {
      this.call(onResponseError as Callback, [undefined, interruption]);
    } else if (typeof onError === 'function') {
      this.call(onError as Callback, [interruption]);
    }
  }

  private forward(name: string, callback: Callback): Callback {
    if (name === 'onConnect' || name === 'onRequestStart') {
      return (control, ...rest) => {
        this.abort = abortOf(control);
        if (this.interruption === undefined) return callback.call(this.below, control, ...rest);
        return this.abort(this.interruption);
      };
    }
    // Only at its end does a handler go on to something else: a redirect, another try.
    if (!LAST.has(name)) return callback.bind(this.below);
    return (...args) => {
      if (this.isOver) return undefined;
      this.end();
      return this.call(callback, args);
    };
  }

  /** A connection calls back in the context of the request that opened it. */
  private call(callback: Callback, args: unknown[]): unknown {
    return inContext(this.context, () => Reflect.apply(callback, this.below, args));
  }

  private end(): void {
    this.isOver = true;
    this.stopListening?.();
  }
}

function abortOf(control: unknown): (reason: Error) => void {
  if (typeof control === 'function') return control as (reason: Error) => void;
  return (reason) => (control as { abort(reason: Error): void }).abort(reason);
}

function withHeaders(
  options: Dispatched,
  added: readonly (readonly [string, string])[],
): Dispatched {
  if (added.length === 0) return options;
  const given = [...headersOf(options.headers)];
  const names = new Set(given.map(([name]) => String(name).toLowerCase()));
  const missing = added.filter(([name]) => !names.has(name.toLowerCase()));
  return missing.length === 0 ? options : { ...options, headers: [...given, ...missing].flat() };
}

/** Headers are a list of names and values, pairs, an object, or nothing. */
function* headersOf(headers: unknown): Generator<readonly [unknown, unknown]> {
  if (!isObject(headers)) return;
  if (Array.isArray(headers) && !Array.isArray(headers[0])) {
    for (let index = 0; index < headers.length; index += 2) {
      yield [headers[index] as unknown, headers[index + 1] as unknown];
    }
  } else if (Symbol.iterator in headers) {
    yield* headers as Iterable<readonly [unknown, unknown]>;
  } else {
    yield* Object.entries(headers);
  }
}

function urlOf(dispatcher: object, { origin, path = '/' }: Dispatched): URL | undefined {
  const base = origin ?? ownOrigin(dispatcher);
  return base === undefined ? undefined : parseUrl(path, String(base));
}

/** A client, or a pool, of one origin keeps it under a symbol of its own. */
function ownOrigin(dispatcher: object): string | undefined {
  const key = Object.getOwnPropertySymbols(dispatcher).find((each) => each.description === 'url');
  const url = key === undefined ? undefined : (dispatcher as Record<symbol, unknown>)[key];
  return (url as URL | undefined)?.origin;
}

/** The places of undici's global dispatcher, one for each of its generations. */
const GLOBAL_DISPATCHER = /^undici\.globalDispatcher\./;

/**
 * The prototypes whose `dispatch()` all requests of undici end in: of the one that is part of Node,
 * of the one that is the global dispatcher, of the package, where it is installed, and of the copies
 * of it that are loaded.
 */
export async function findDispatchers(): Promise<object[]> {
  const found = new Set<object>();
  // A test runner gives its tests a global object of their own.
  for (const realm of [runInThisContext('globalThis') as object, globalThis]) {
    // Node loads its own undici when it is first used. It must come first: it keeps what is there.
    void Reflect.get(realm, 'Headers');
    for (const key of Object.getOwnPropertySymbols(realm)) {
      if (GLOBAL_DISPATCHER.test(key.description ?? '')) add(found, Reflect.get(realm, key));
    }
  }
  const installed: unknown = await import('undici').catch(() => undefined);
  for (const copy of [installed, ...loadedCopies('undici', 'index.js')]) {
    add(found, (copy as { Agent?: { prototype?: unknown } } | undefined)?.Agent?.prototype);
  }
  return [...found];
}

function add(found: Set<object>, dispatcher: unknown): void {
  if (isObject(dispatcher) && 'dispatch' in dispatcher) found.add(ownerOf(dispatcher, 'dispatch'));
}
