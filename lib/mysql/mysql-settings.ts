import type { Killers } from './killer.js';
import type { Mysql2Library } from './mysql2-library.js';

/** What an application wants of the clients of MySQL. */
export interface MysqlSettings {
  readonly killers: Killers;
  readonly library: Mysql2Library;
}
