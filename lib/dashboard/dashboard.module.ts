import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Logger,
  Module,
  type ModuleMetadata,
  type OnModuleInit,
} from '@nestjs/common';
import type { OperationRegistry } from '../registry/operation-registry.js';
import { ownValue } from '../scope/plain-object.js';
import { Access } from './access.js';
import { APPLICATION_PROVIDERS } from './application-providers.js';
import { Cancels } from './cancels.js';
import { createDashboardController } from './dashboard.controller.js';
import { DashboardInfoReader } from './dashboard-info.js';
import {
  type DashboardOptions,
  type DashboardRoute,
  readDashboardOptions,
} from './dashboard-options.js';
import { DASHBOARD_OPTIONS, DASHBOARD_PATH, DASHBOARD_REGISTRY } from './dashboard-tokens.js';
import { Feed } from './feed.js';
import { ListQueue } from './list-queue.js';
import { describeRoutes } from './openapi.js';
import { OperationViews } from './operation-views.js';
import { PageFiles } from './page-files.js';
import { Standing } from './standing.js';
import { StatisticsSeries } from './statistics-series.js';
import { Subjects } from './subjects.js';

/**
 * Options that a factory makes. `path`, `guards` and `imports` are needed before.
 *
 * @publicApi
 */
export interface DashboardAsyncOptions extends DashboardRoute {
  /** What the factory is given. */
  readonly inject?: FactoryProvider['inject'];
  /** Makes the other options. */
  readonly useFactory: (
    ...injected: never[]
  ) =>
    | Omit<DashboardOptions, keyof DashboardRoute>
    | Promise<Omit<DashboardOptions, keyof DashboardRoute>>;
}

/**
 * A page and an API that show what runs, and cancel it. Closed until guards, or
 * `allowAnonymous: true`, say who may see it. Needs `CancelableModule`, on Express or Fastify.
 *
 * @example
 * \@Module({
 *   imports: [
 *     CancelableModule.forRoot(),
 *     CancelableDashboardModule.forRoot({ path: '/operations', guards: [AdminGuard] }),
 *   ],
 * })
 * export class AppModule {}
 * @publicApi
 */
@Module({})
export class CancelableDashboardModule implements OnModuleInit {
  constructor(@Inject(DASHBOARD_OPTIONS) private readonly options: DashboardOptions) {}

  /**
   * A dashboard with these options.
   *
   * @throws TypeError for options that are not valid, and without `guards` or `allowAnonymous`
   */
  static forRoot(given: DashboardOptions): DynamicModule {
    const options = readDashboardOptions(given, 'CancelableDashboardModule.forRoot()');
    return assemble(options, { provide: DASHBOARD_OPTIONS, useFactory: () => options }, []);
  }

  /**
   * A dashboard with options that a factory makes.
   *
   * @throws TypeError, when the application starts, for options that are not valid, and for `path`,
   * `guards` and `imports` from the factory
   */
  static forRootAsync({
    path,
    guards,
    imports,
    inject,
    useFactory,
  }: DashboardAsyncOptions): DynamicModule {
    const where = 'CancelableDashboardModule.forRootAsync()';
    const route = { ...(path && { path }), ...(guards && { guards }) };
    const provider: FactoryProvider = {
      provide: DASHBOARD_OPTIONS,
      inject: inject ?? [],
      useFactory: async (...injected: never[]) =>
        readDashboardOptions({ ...withoutRoute(await useFactory(...injected)), ...route }, where),
    };
    return assemble(route, provider, imports ?? []);
  }

  /** Tells the log of a dashboard without guards. Called by Nest. */
  onModuleInit(): void {
    const { allowAnonymous, canCancel, path = '/operations' } = this.options;
    if (allowAnonymous !== true) return;
    new Logger('CancelableDashboard').warn(
      `The dashboard at ${path} is open to everybody who reaches this port (allowAnonymous), ` +
        (canCancel === undefined ? 'to look only.' : 'and canCancel says what they may cancel.'),
    );
  }
}

/**
 * The routes are made before the factory is called: guards that it returns would guard nothing, and
 * make the dashboard look as if they did.
 *
 * @throws TypeError
 */
function withoutRoute(made: object): object {
  for (const key of ['path', 'guards', 'imports'] as const satisfies (keyof DashboardRoute)[]) {
    if (ownValue(made, key) === undefined) continue;
    throw new TypeError(
      `CancelableDashboardModule.forRootAsync(): ${key} comes too late from the factory, since the ` +
        `routes are made before it is called. Give it beside useFactory: { ${key}, useFactory }.`,
    );
  }
  return made;
}

function assemble(
  route: DashboardRoute,
  options: FactoryProvider,
  imports: NonNullable<ModuleMetadata['imports']>,
): DynamicModule {
  const controller = createDashboardController(route);
  return {
    module: CancelableDashboardModule,
    imports: [...(route.imports ?? []), ...imports],
    controllers: [controller],
    providers: [
      options,
      { provide: DASHBOARD_PATH, useValue: route.path ?? '/operations' },
      ...APPLICATION_PROVIDERS,
      {
        provide: Access,
        inject: [DASHBOARD_OPTIONS, DASHBOARD_REGISTRY],
        useFactory: async (read: DashboardOptions, registry: OperationRegistry) => {
          await describeRoutes(controller);
          return new Access(read, (id) => registry.find(id));
        },
      },
      PageFiles,
      Standing,
      DashboardInfoReader,
      ListQueue,
      Subjects,
      OperationViews,
      Cancels,
      StatisticsSeries,
      Feed,
    ],
  };
}
