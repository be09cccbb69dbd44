import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import { checkClusterOptions, type ClusterOptions } from './cluster/cluster-options.js';
import type { CancelableExtension } from './registry/cancelable-extension.js';
import { checkStreamLimits, type StreamLimits } from './transports/backpressure.js';
import { checkHttpOptions, type HttpOptions } from './transports/http/http-options.js';
import type { RequestOption } from './transports/request-options.js';
import { type Duration, parseDuration } from './scope/duration.js';
import { refuseAboveCeiling } from './operation/max-timeout.js';
import { bare, isRecord, ownValue } from './scope/plain-object.js';
import { readFunction } from './scope/promised-options.js';
import { readAnything, readDuration, readOptions, readText, refuse } from './scope/validate.js';
import { type CancelableOptions, readCancelableOptions } from './methods/cancelable-options.js';
import { type OperationRegistryOptions, registryReaders } from './registry/registry-options.js';

import { checkShutdownOptions, type ShutdownOptions } from './shutdown/shutdown-options.js';

/**
 * Options of `CancelableModule.forRoot()`. All have defaults.
 *
 * @publicApi
 */
export interface CancelableModuleOptions extends Omit<
  OperationRegistryOptions,
  'logger' | 'shutdown'
> {
  /**
   * For the operation of every request, decorated or not: counts until headers are sent; a stream
   * after that is limited only by a timeout of its own. Default: none.
   *
   * @example '30s'
   */
  defaultTimeout?: Duration;
  /**
   * Options by name, for `@Cancelable({ policy: 'slow' })`. Default: none.
   *
   * @example { slow: { timeout: '2m', tags: ['slow'] } }
   */
  policies?: Readonly<Record<string, CancelableOptions>>;
  /**
   * Asked once per call, after guards: whose it is, what it is about. Default: nothing.
   *
   * @example (context) => ({ metadata: { owner: context.switchToHttp().getRequest().user?.id } })
   */
  request?: RequestOption;
  /** What is special to HTTP. Default: disconnects cancel, the usual status codes, no header. */
  http?: HttpOptions;
  /** What callers that read slowly may cost, over WebSockets and microservices. */
  streams?: StreamLimits;
  /** What a shutdown gives to what runs. */
  shutdown?: ShutdownOptions;
  /** The other instances of the service, for `registry.cluster`. Default: there are none. */
  cluster?: ClusterOptions;
  /** Integrations with clients of the outside world. Default: none. */
  extensions?: readonly CancelableExtension[];
}

/**
 * A class that makes the module's options, for `useClass` and `useExisting`.
 *
 * @publicApi
 */
export interface CancelableOptionsFactory {
  /** Makes the module's options, when the application starts. */
  createCancelableOptions(): CancelableModuleOptions | Promise<CancelableModuleOptions>;
}

/**
 * One of `useFactory`, `useClass` and `useExisting`.
 *
 * @publicApi
 */
export interface CancelableModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Makes the options. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Nest types injected factories
  useFactory?: (...args: any[]) => CancelableModuleOptions | Promise<CancelableModuleOptions>;
  /** A class that is instantiated to make the options. */
  useClass?: Type<CancelableOptionsFactory>;
  /** A provider that makes the options. */
  useExisting?: Type<CancelableOptionsFactory>;
  /** What `useFactory` is called with. */
  inject?: NonNullable<FactoryProvider['inject']>;
}

/** The options that are objects of options themselves. */
const NESTED = [
  'policies',
  'http',
  'streams',
  'shutdown',
  'history',
  'zombies',
  'cluster',
] as const;

/** @throws TypeError that says what was given, what is allowed, and where */
export function readModuleOptions(
  options: CancelableModuleOptions,
  where: string,
): CancelableModuleOptions {
  const own = readOptions(options, where, READERS) as Record<string, unknown>;
  for (const key of NESTED) {
    const nested = own[key];
    if (nested !== undefined) own[key] = bare(nested as object);
  }
  checkCeiling(own, where);
  return own;
}

function checkCeiling(
  { maxTimeout, defaultTimeout, policies }: CancelableModuleOptions,
  where: string,
): void {
  if (maxTimeout === undefined) return;
  const most = parseDuration(maxTimeout, where);
  refuseAboveCeiling(defaultTimeout, most, `${where}: defaultTimeout`);
  for (const [name, policy] of Object.entries(policies ?? {})) {
    refuseAboveCeiling(ownValue(policy, 'timeout'), most, `${where}: policies.${name}: timeout`);
  }
}

/** @throws TypeError for what is no option, unless there is exactly one way to make the options */
export function readAsyncOptions(
  options: CancelableModuleAsyncOptions,
): CancelableModuleAsyncOptions {
  const where = 'CancelableModule.forRootAsync()';
  const own = readOptions(options, where, {
    imports: readAnything,
    inject: readAnything,
    useFactory: readAnything,
    useClass: readAnything,
    useExisting: readAnything,
  });
  const ways = ['useFactory', 'useClass', 'useExisting'] as const;
  const given = ways.filter((way) => own[way] !== undefined);
  if (given.length === 1) return own;
  throw new TypeError(
    `${where}: ${given.length} of useFactory, useClass and useExisting are given. Allowed: exactly one.`,
  );
}

const READERS: Parameters<typeof readOptions>[2] = {
  defaultTimeout: readDuration,
  policies: (value, at) => {
    if (!isRecord(value)) refuse(at, value, 'an object of options by name');
    for (const [name, policy] of Object.entries(value)) {
      const { policy: other } = readCancelableOptions(policy as CancelableOptions, `${at}.${name}`);
      if (other !== undefined) {
        refuse(
          `${at}.${name}.policy`,
          other,
          'no policy inside of a policy: write its options here',
        );
      }
    }
  },
  request: (value, at) => readFunction(value, at, 'a function of the ExecutionContext'),
  http: checkHttpOptions,
  streams: checkStreamLimits,
  history: registryReaders.history,
  zombies: registryReaders.zombies,
  shutdown: checkShutdownOptions,
  maxLive: registryReaders.maxLive,
  maxChildren: registryReaders.maxChildren,
  maxTimeout: registryReaders.maxTimeout,
  extensions: checkExtensions,
  cluster: checkClusterOptions,
};

function checkExtensions(value: unknown, where: string): void {
  if (!Array.isArray(value)) refuse(where, value, 'an array of extensions');
  (value as unknown[]).forEach((extension, index) => {
    const at = `${where}[${index}]`;
    if (!isRecord(extension)) refuse(at, extension, 'an extension: { name, install }');
    readText(extension['name'], `${at}.name`);
    if (typeof extension['install'] !== 'function') {
      refuse(`${at}.install`, extension['install'], 'a function');
    }
  });
}
