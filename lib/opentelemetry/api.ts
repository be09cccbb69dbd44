import type * as api from '@opentelemetry/api';

/** The API of OpenTelemetry, which is loaded when an application starts. */
export type Api = typeof api;

/** What spans and metrics are said to come from. */
export const INSTRUMENTATION = 'nestjs-cancelable';
