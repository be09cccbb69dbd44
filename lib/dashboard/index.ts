export type { DashboardOperation } from './api-types.js';
export type { DashboardOptions, DashboardRequest, DashboardSubject } from './dashboard-options.js';
export { CancelableDashboardModule, type DashboardAsyncOptions } from './dashboard.module.js';
