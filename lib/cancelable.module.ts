import { isDeepStrictEqual } from 'node:util';
import {
  type DynamicModule,
  Global,
  Inject,
  Logger,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryModule,
  DiscoveryService,
  HttpAdapterHost,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import type { Uninstall } from './cancelable-extension.js';
import {
  type CancelableModuleAsyncOptions,
  type CancelableModuleOptions,
  type CancelableOptionsFactory,
  checkModuleOptions,
} from './cancelable-module-options.js';
import { CancelableInterceptor } from './contexts/cancelable.interceptor.js';
import { GraphqlApplication, type RequestServer } from './contexts/graphql/graphql-application.js';
import { OpenCalls } from './contexts/open-calls.js';
import { prepareTransports } from './contexts/transports.js';
import { describeError } from './core/causes.js';
import { parseDuration } from './core/duration.js';
import { CancelableRuntime } from './decorators/cancelable-runtime.js';
import { DecoratedMethodsExplorer } from './decorators/decorated-methods.explorer.js';
import { handlersOf } from './decorators/handlers.js';
import { LiveOperations } from './registry/live-operations.js';
import { OperationRegistry } from './registry/operation-registry.js';
import { readRegistryOptions } from './registry/registry-options.js';

const OPTIONS = Symbol('nestjs-cancelable.options');

/** What one application has one of, however often the module is imported. */
class CancelableApplication {
  readonly runtime: CancelableRuntime;
  readonly registry: OperationRegistry;
  private readonly log = new Logger('Cancelable');
  private isStarted = false;
  private readonly undo: [string, Uninstall][] = [];
  private readonly calls: OpenCalls;
  private graphql: GraphqlApplication | undefined = undefined;

  constructor(
    readonly options: CancelableModuleOptions,
    config: ApplicationConfig,
  ) {
    const { history, zombies, shutdown, maxLive, policies, defaultTimeout, request, http } =
      options;
    const settings = readRegistryOptions(
      { ...pickDefined({ history, zombies, shutdown, maxLive }), logger: this.log },
      'CancelableModule.forRoot()',
    );
    const live = new LiveOperations(settings);
    this.runtime = new CancelableRuntime(live, policies ?? {});
    this.registry = OperationRegistry.over(live);
    this.calls = new OpenCalls(live);
    const interceptor = new CancelableInterceptor(
      this.runtime,
      {
        timeout:
          defaultTimeout === undefined
            ? undefined
            : parseDuration(defaultTimeout, 'defaultTimeout'),
        request,
        http: http ?? {},
      },
      this.calls,
    );
    config.getGlobalInterceptors().unshift(interceptor);
  }

  /** Before any handler can be called: microservices and gateways listen before the hooks run. */
  async prepare(modules: ModulesContainer): Promise<this> {
    const handlers = [...handlersOf(modules)];
    await prepareTransports(handlers.map(({ kind }) => kind));
    return this;
  }

  async start(discovery: DiscoveryService, modules: ModuleRef): Promise<void> {
    if (this.isStarted) return;
    this.isStarted = true;
    this.runtime.live.injector = (token) => modules.get(token as string, { strict: false });
    const unsubscribe = new DecoratedMethodsExplorer(discovery, this.runtime).explore();
    this.undo.push(['the listeners', unsubscribe]);
    this.runtime.activate();
    this.startGraphql(discovery, modules);
    const host = { registry: this.registry, log: this.log };
    try {
      for (const extension of this.options.extensions ?? []) {
        const uninstall = await extension.install(host);
        if (uninstall !== undefined) this.undo.push([`the extension ${extension.name}`, uninstall]);
      }
    } catch (error) {
      // Nest runs no shutdown hooks for an application that did not start.
      await this.stop();
      throw error;
    }
  }

  private startGraphql(discovery: DiscoveryService, modules: ModuleRef): void {
    this.graphql = GraphqlApplication.in(discovery.getProviders(), this.calls, this.runtime);
    if (this.graphql === undefined) return;
    const host = modules.get(HttpAdapterHost, { strict: false });
    // Without a server there is none, whatever the type says.
    const server = host.httpAdapter as RequestServer | null | undefined;
    const followsClients = this.options.http?.onDisconnect !== 'ignore';
    if (server && followsClients) this.graphql.enterRequests(server);
  }

  /** Every module has started. */
  complete(): void {
    this.graphql?.guardSchemas();
  }

  async stop(): Promise<void> {
    this.runtime.deactivate();
    for (let step = this.undo.pop(); step !== undefined; step = this.undo.pop()) {
      const [name, undo] = step;
      try {
        await undo();
      } catch (error) {
        this.log.error(`${name} could not be taken back: ${describeError(error)}`);
      }
    }
  }
}

const applications = new WeakMap<ModulesContainer, CancelableApplication>();

/** The first options hold; a second import has to agree or say nothing. */
function applicationOf(
  container: ModulesContainer,
  options: CancelableModuleOptions,
  config: ApplicationConfig,
): CancelableApplication | Promise<CancelableApplication> {
  checkModuleOptions(options, 'CancelableModule.forRoot()');
  const existing = applications.get(container);
  if (existing === undefined) {
    const application = new CancelableApplication(options, config);
    applications.set(container, application);
    return application.prepare(container);
  }
  const saysNothing = Object.keys(options).length === 0;
  if (!saysNothing && !isDeepStrictEqual(existing.options, options)) {
    throw new TypeError(
      'CancelableModule is imported twice with different options. It is global: import forRoot() once, ' +
        'in the root module, and leave it out of the others.',
    );
  }
  return existing;
}

@Global()
@Module({ imports: [DiscoveryModule] })
export class CancelableCoreModule
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  constructor(
    @Inject(CancelableApplication) private readonly application: CancelableApplication,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(ModuleRef) private readonly modules: ModuleRef,
  ) {}

  onModuleInit(): Promise<void> {
    return this.application.start(this.discovery, this.modules);
  }

  onApplicationBootstrap(): void {
    this.application.complete();
  }

  onApplicationShutdown(): Promise<void> {
    return this.application.stop();
  }
}

/**
 * Makes cancelation ordinary in an application: every request has an operation, `@Cancelable()`
 * methods stop, and `OperationRegistry` can be injected everywhere. Global: import it once.
 *
 * @example
 * \@Module({ imports: [CancelableModule.forRoot({ defaultTimeout: '30s' })] })
 * export class AppModule {}
 * @publicApi
 */
@Module({})
export class CancelableModule {
  /** @throws TypeError, when the application starts, for options that are not valid */
  static forRoot(options: CancelableModuleOptions = {}): DynamicModule {
    return assemble([{ provide: OPTIONS, useValue: options }], []);
  }

  /**
   * @throws TypeError unless exactly one of `useFactory`, `useClass` and `useExisting` is given
   * @example
   * CancelableModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ defaultTimeout: config.get('TIMEOUT') }),
   * })
   */
  static forRootAsync(options: CancelableModuleAsyncOptions): DynamicModule {
    return assemble(asyncProviders(options), options.imports ?? []);
  }
}

function assemble(
  optionsProviders: Provider[],
  imports: NonNullable<DynamicModule['imports']>,
): DynamicModule {
  return {
    module: CancelableModule,
    imports: [
      {
        module: CancelableCoreModule,
        imports,
        providers: [
          ...optionsProviders,
          {
            provide: CancelableApplication,
            useFactory: applicationOf,
            inject: [ModulesContainer, OPTIONS, ApplicationConfig],
          },
          {
            provide: CancelableRuntime,
            useFactory: ({ runtime }: CancelableApplication) => runtime,
            inject: [CancelableApplication],
          },
          {
            provide: OperationRegistry,
            useFactory: ({ registry }: CancelableApplication) => registry,
            inject: [CancelableApplication],
          },
        ],
        exports: [CancelableRuntime, OperationRegistry],
      },
    ],
  };
}

function asyncProviders(options: CancelableModuleAsyncOptions): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const given = [useFactory, useClass, useExisting].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new TypeError(
      `CancelableModule.forRootAsync(): ${given.length} of useFactory, useClass and useExisting are given. ` +
        'Allowed: exactly one.',
    );
  }
  if (useFactory !== undefined) return [{ provide: OPTIONS, useFactory, inject }];
  const factory = (useClass ?? useExisting) as NonNullable<typeof useClass>;
  const provider: Provider = {
    provide: OPTIONS,
    useFactory: (made: CancelableOptionsFactory) => made.createCancelableOptions(),
    inject: [factory],
  };
  return useClass === undefined ? [provider] : [provider, useClass];
}

function pickDefined<Values extends object>(values: Values): Partial<Values> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<Values>;
}
