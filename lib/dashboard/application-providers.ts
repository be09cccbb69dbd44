import type { FactoryProvider } from '@nestjs/common';
import { OperationRegistry } from '../registry/operation-registry.js';
import { Drain } from '../shutdown/drain.js';
import { DASHBOARD_DRAIN, DASHBOARD_REGISTRY } from './dashboard-tokens.js';

/**
 * What a dashboard shows of its application. Everything else in its module waits for these, so that
 * where `CancelableModule` is missing, what stops the application is a message that says so.
 */
export const APPLICATION_PROVIDERS: readonly FactoryProvider[] = [
  {
    provide: DASHBOARD_REGISTRY,
    inject: [{ token: OperationRegistry, optional: true }],
    useFactory: (registry: OperationRegistry | undefined) => {
      if (registry !== undefined) return registry;
      throw new Error(
        'CancelableDashboardModule shows what runs under CancelableModule, which is not imported. ' +
          'Add CancelableModule.forRoot() to the imports of the root module.',
      );
    },
  },
  {
    provide: DASHBOARD_DRAIN,
    inject: [DASHBOARD_REGISTRY, { token: Drain, optional: true }],
    useFactory: (_registry: OperationRegistry, drain: Drain | undefined) => drain,
  },
];
