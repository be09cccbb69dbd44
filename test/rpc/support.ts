import { type INestMicroservice, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type ClientOptions,
  type ClientProxy,
  ClientProxyFactory,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import {
  CancelableModule,
  type CancelableModuleOptions,
  OperationRegistry,
} from 'nestjs-cancelable';
import { closeAfterTest } from '../support/close-after-test.js';
import { NestLog } from '../support/nest-log.js';
import { type Observed, observe } from '../support/observe.js';
import { withQuickShutdown } from '../support/quick-shutdown.js';

export interface Service extends Observed {
  readonly app: INestMicroservice;
  readonly log: NestLog;
}

/** Starts a microservice; it is closed after the test. */
export async function startService(
  transport: MicroserviceOptions,
  metadata: ModuleMetadata,
  options?: CancelableModuleOptions,
): Promise<Service> {
  @Module({
    ...metadata,
    imports: [CancelableModule.forRoot(withQuickShutdown(options)), ...(metadata.imports ?? [])],
  })
  class TestModule {}
  const log = new NestLog();
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(TestModule, {
    ...transport,
    logger: log,
    abortOnError: false,
  });
  closeAfterTest(() => app.close());
  await app.listen();
  return { app, log, ...observe(app.get(OperationRegistry)) };
}

/** A client; it is closed after the test. */
export async function connectClient(options: ClientOptions): Promise<ClientProxy> {
  const client = ClientProxyFactory.create(options);
  closeAfterTest(() => client.close());
  await client.connect();
  return client;
}
