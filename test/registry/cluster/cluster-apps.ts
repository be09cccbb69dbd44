import { createRequire } from 'node:module';
import {
  type CancelableModuleOptions,
  type CancelationBus,
  type ClusterOptions,
  localBus,
  type OperationRegistry,
} from 'nestjs-cancelable';
import { startContext } from '../../support/app-context.js';
import { randomText } from '../../support/random.js';

export interface Instance {
  readonly name: string;
  readonly registry: OperationRegistry;
  readonly close: () => Promise<void>;
  readonly warnings: () => string[];
}
