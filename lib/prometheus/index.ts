export { prometheus, type PrometheusOptions } from './prometheus-extension.js';
