import { isDeepStrictEqual } from 'node:util';
import {
  type DynamicModule,
  Global,
  Inject,
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
import { CancelableApplication } from './cancelable-application.js';
import {
  type CancelableModuleAsyncOptions,
  type CancelableModuleOptions,
  type CancelableOptionsFactory,
  readAsyncOptions,
  readModuleOptions,
} from './cancelable-module-options.js';
import { CancelableRuntime } from './methods/cancelable-runtime.js';
import { OperationRegistry } from './registry/operation-registry.js';
import { Drain } from './shutdown/drain.js';
import { HttpServers } from './shutdown/http-shutdown.js';
import { shutDownFirst, ShutdownModule } from './shutdown/shutdown-first.js';

const OPTIONS = Symbol('nestjs-cancelable.options');

const applications = new WeakMap<ModulesContainer, CancelableApplication>();

/** The first options hold; a second import has to agree or say nothing. */
function applicationOf(
  container: ModulesContainer,
  given: CancelableModuleOptions,
  config: ApplicationConfig,
  adapterHost: HttpAdapterHost,
): CancelableApplication | Promise<CancelableApplication> {
  const options = readModuleOptions(given, 'CancelableModule.forRoot()');
  const existing = applications.get(container);
  if (existing === undefined) {
    const application = new CancelableApplication(options, config, adapterHost, container);
    shutDownFirst(container);
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
  /**
   * The module with these options.
   *
   * @throws TypeError, when the application starts, for options that are not valid
   */
  static forRoot(options: CancelableModuleOptions = {}): DynamicModule {
    return assemble([{ provide: OPTIONS, useValue: options }], []);
  }

  /**
   * The module with options that a factory or a class makes.
   *
   * @throws TypeError unless exactly one of `useFactory`, `useClass` and `useExisting` is given
   * @example
   * CancelableModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ defaultTimeout: config.get('TIMEOUT') }),
   * })
   */
  static forRootAsync(options: CancelableModuleAsyncOptions): DynamicModule {
    const own = readAsyncOptions(options);
    return assemble(asyncProviders(own), own.imports ?? []);
  }
}

function assemble(
  optionsProviders: Provider[],
  imports: NonNullable<DynamicModule['imports']>,
): DynamicModule {
  return {
    module: CancelableModule,
    imports: [
      ShutdownModule,
      {
        module: CancelableCoreModule,
        imports,
        providers: [
          ...optionsProviders,
          {
            provide: CancelableApplication,
            useFactory: applicationOf,
            inject: [ModulesContainer, OPTIONS, ApplicationConfig, HttpAdapterHost],
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
          {
            provide: Drain,
            useFactory: ({ drain }: CancelableApplication) => drain,
            inject: [CancelableApplication],
          },
          {
            provide: HttpServers,
            useFactory: ({ servers }: CancelableApplication) => servers,
            inject: [CancelableApplication],
          },
        ],
        exports: [CancelableRuntime, OperationRegistry, Drain, HttpServers],
      },
    ],
  };
}

function asyncProviders(options: CancelableModuleAsyncOptions): Provider[] {
  const { useFactory, useClass, useExisting, inject } = options;
  if (useFactory !== undefined) return [{ provide: OPTIONS, useFactory, inject: inject ?? [] }];
  const factory = (useClass ?? useExisting) as NonNullable<typeof useClass>;
  const provider: Provider = {
    provide: OPTIONS,
    useFactory: (made: CancelableOptionsFactory) => made.createCancelableOptions(),
    inject: [factory],
  };
  return useClass === undefined ? [provider] : [provider, useClass];
}
