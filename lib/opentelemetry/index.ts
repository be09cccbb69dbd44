export { opentelemetry, type OpenTelemetryOptions } from './opentelemetry-extension.js';
