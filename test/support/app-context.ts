import { afterEach } from '@jest/globals';
import { type INestApplicationContext, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CancelableModule,
  type CancelableModuleOptions,
  OperationRegistry,
} from 'nestjs-cancelable';
import { NestLog } from './nest-log.js';
import { withQuickShutdown } from './quick-shutdown.js';

export interface AppContext {
  readonly app: INestApplicationContext;
  readonly registry: OperationRegistry;
  readonly log: NestLog;
}

const open: INestApplicationContext[] = [];

afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

/** Starts an application without a server; it is closed after the test. */
export async function startContext(
  metadata: ModuleMetadata,
  options?: CancelableModuleOptions,
): Promise<AppContext> {
  @Module({
    ...metadata,
    imports: [CancelableModule.forRoot(withQuickShutdown(options)), ...(metadata.imports ?? [])],
  })
  class TestModule {}
  const log = new NestLog();
  const app = await NestFactory.createApplicationContext(TestModule, {
    logger: log,
    abortOnError: false,
  });
  open.push(app);
  return { app, registry: app.get(OperationRegistry), log };
}
