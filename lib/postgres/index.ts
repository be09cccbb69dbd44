export { postgres } from './postgres-extension.js';
export type { PostgresOptions } from './postgres-extension.js';
