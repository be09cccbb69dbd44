import type { Library } from './pg.js';

/** What one application wants of the queries that its operations make, for one copy of `pg`. */
export interface PostgresSettings {
  readonly library: Library;
  readonly deadlines: boolean;
}
