import type { ExecutionContext } from '@nestjs/common';
import type { Duration } from '../scope/duration.js';
import type { OperationMetadata } from '../operation/operation-options.js';

/**
 * What the `request` option says about one call.
 *
 * @publicApi
 */
export interface RequestOptions {
  /** Facts to filter by. Default: none. */
  metadata?: OperationMetadata;
  /** Words to filter by. Default: none. */
  tags?: readonly string[];
  /** Applies where neither the handler nor its class says anything. */
  timeout?: Duration | false;
  /** An id of your own. Default: an unguessable one. */
  id?: string;
}

/**
 * Runs once per call of any kind, after guards.
 *
 * @publicApi
 */
export type RequestOption = (context: ExecutionContext) => RequestOptions | undefined;
