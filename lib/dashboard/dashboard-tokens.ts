/** For the options of a dashboard. */
export const DASHBOARD_OPTIONS = Symbol('nestjs-cancelable.dashboard-options');

/** For its path: with `moduleIdGeneratorAlgorithm: 'deep-hash'`, what tells two dashboards apart. */
export const DASHBOARD_PATH = Symbol('nestjs-cancelable.dashboard-path');

/** For what it has of `CancelableModule`. */
export const DASHBOARD_REGISTRY = Symbol('nestjs-cancelable.dashboard-registry');
export const DASHBOARD_DRAIN = Symbol('nestjs-cancelable.dashboard-drain');
