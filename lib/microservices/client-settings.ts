import type * as microservices from '@nestjs/microservices';
import type { OperationLog } from '../operation/operation-log.js';

export type Library = typeof microservices;

/** An application's settings for the clients in its operations. */
export interface ClientSettings {
  readonly library: Library;
  readonly carry: (client: object, pattern: unknown) => boolean;
  readonly log: OperationLog;
}
