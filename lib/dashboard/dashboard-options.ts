import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';
import type { OperationSnapshot } from '../operation/snapshot.js';
import { bare } from '../scope/plain-object.js';
import { readFunction } from '../scope/promised-options.js';
import { checkOptions, readAnything, readBoolean, readText, refuse } from '../scope/validate.js';

/**
 * A request to the dashboard, as Express or Fastify has it.
 *
 * @publicApi
 */
export interface DashboardRequest {
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The caller's address, as the HTTP framework sees it: behind a proxy, tell it to trust that. */
  readonly ip?: string | undefined;
  /** What the application's authentication has set. */
  readonly user?: unknown;
  /** What else the framework, or the application, has put there. */
  readonly [key: string]: unknown;
}

/**
 * An operation that somebody wants to see or to cancel; not redacted.
 *
 * @publicApi
 */
export interface DashboardSubject extends OperationSnapshot {
  /** The name of its instance, where all instances were asked. */
  readonly instance?: string;
}

/**
 * Who may see what, and where.
 *
 * @publicApi
 */
export interface DashboardOptions {
  /** Where it is, below a global prefix. Default: `'/operations'`. */
  readonly path?: string;
  /** The page's title. Default: `'Operations'`. */
  readonly title?: string;
  /**
   * Nest's guards, classes or instances, in front of everything, the page too. Required unless
   * `allowAnonymous` is true. Classes are made by the dashboard's module: `imports` gives it what
   * they inject.
   */
  readonly guards?: readonly (CanActivate | Type<CanActivate>)[];
  /** Modules whose exports the guards inject. */
  readonly imports?: ModuleMetadata['imports'];
  /**
   * No guards: whoever reaches the port sees the dashboard. Logged as a warning. Canceling stays
   * closed unless `canCancel` says otherwise. Default: false.
   */
  readonly allowAnonymous?: boolean;
  /**
   * The names, without a port, by which the dashboard may be asked for, beside IP addresses and names
   * without a dot, such as `localhost`: `'ops.example'`, or `'.example'` for that and every name below.
   * True is any name. A page elsewhere that turns its own name into this machine's address (DNS
   * rebinding) is refused by it. Default: none, or true with `guards`.
   */
  readonly allowedHosts?: true | readonly string[];
  /**
   * Whether a caller may see an operation: in lists, counts, the feed, and by its id. Synchronous;
   * called often. What it may not see does not exist for it. Default: all that the guards let pass.
   */
  readonly canRead?: (operation: DashboardSubject, request: DashboardRequest) => boolean;
  /**
   * Whether a caller may cancel an operation that it may see. Synchronous. Default: all with
   * `guards`, none with `allowAnonymous`.
   */
  readonly canCancel?: (operation: DashboardSubject, request: DashboardRequest) => boolean;
  /**
   * Whether a caller may see the numbers of all operations together, and the instances. Default:
   * true, or false with `canRead`.
   */
  readonly canReadStatistics?: (request: DashboardRequest) => boolean;
  /**
   * What a caller sees of an operation: take away what it should not. The id stays. Filters and
   * searches look only at what is left. Default: everything.
   *
   * @example (operation) => ({ ...operation, metadata: {}, partialResult: undefined })
   */
  readonly redact?: (snapshot: OperationSnapshot, request: DashboardRequest) => OperationSnapshot;
  /**
   * Who asks, for the log and `requestedBy`. Default: the first of `id`, `sub`, `username`, `email`
   * and `name` of `request.user`, otherwise `'anonymous'`.
   */
  readonly who?: (request: DashboardRequest) => string;
  /**
   * The path of the page as a browser sees it, where a proxy serves it under another one and sends no
   * `X-Forwarded-Prefix`. Default: that of the request.
   */
  readonly basePath?: string;
}

/** The options that decide about routes, which are made before any provider. */
export type DashboardRoute = Pick<DashboardOptions, 'path' | 'guards' | 'imports'>;

const PATH = /^\/?[\w.~-]+(?:\/[\w.~-]+)*\/?$/;
const HOST = /^\.?[a-z\d_-]+(?:\.[a-z\d_-]+)*$/i;
const BASE_PATH = /^(?:\/[\w.~%-]+)+\/?$/;

const readGuards = (value: unknown, where: string) => {
  if (!Array.isArray(value) || value.length === 0) refuse(where, value, 'a list of guards');
  for (const guard of value as unknown[]) {
    const isClass = typeof guard === 'function';
    if (!isClass && typeof (guard as CanActivate | null)?.canActivate !== 'function') {
      refuse(where, guard, 'classes or instances with canActivate()');
    }
  }
};

const readHosts = (value: unknown, where: string) => {
  if (value === true) return;
  const allowed = "true, or a list of names without scheme and port, such as 'ops.example'";
  if (!Array.isArray(value)) refuse(where, value, allowed);
  for (const host of value as unknown[]) {
    if (typeof host !== 'string' || !HOST.test(host)) refuse(where, host, allowed);
  }
};

const matching = (pattern: RegExp, allowed: string) => (value: unknown, where: string) => {
  if (typeof value !== 'string' || !pattern.test(value)) refuse(where, value, allowed);
};

/**
 * @throws TypeError for options that are not valid, and where neither guards nor `allowAnonymous` say
 * who may see the dashboard
 */
export function readDashboardOptions(given: DashboardOptions, where: string): DashboardOptions {
  checkOptions(given, where, {
    path: matching(PATH, "a path such as '/operations'"),
    title: readText,
    guards: readGuards,
    imports: readAnything,
    allowAnonymous: readBoolean,
    allowedHosts: readHosts,
    canRead: readFunction,
    canCancel: readFunction,
    canReadStatistics: readFunction,
    redact: readFunction,
    who: readFunction,
    basePath: matching(BASE_PATH, "a path such as '/tools/operations'"),
  });
  const options = bare({ ...given });
  if (options.guards === undefined && options.allowAnonymous !== true) {
    throw new TypeError(
      `${where}: nobody says who may see the operations. Give guards: [AuthGuard], or ` +
        'allowAnonymous: true where the port is reached by nobody else.',
    );
  }
  if (options.guards !== undefined && options.allowAnonymous === true) {
    throw new TypeError(`${where}: guards and allowAnonymous: true contradict each other.`);
  }
  return options;
}
