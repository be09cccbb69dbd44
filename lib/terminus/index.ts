export {
  CancelableHealthIndicator,
  type HealthLimits,
  type OperationsHealth,
} from './cancelable-health.indicator.js';
