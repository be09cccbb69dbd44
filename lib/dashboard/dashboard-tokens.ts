/** For the options of a dashboard. */
export const DASHBOARD_OPTIONS = Symbol('nestjs-cancelable.dashboard-options');
