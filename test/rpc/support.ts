import { afterEach } from '@jest/globals';
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
  type OperationEvent,
  OperationRegistry,
  type OperationSnapshot,
} from 'nestjs-cancelable';
import { filter, firstValueFrom, take, toArray } from 'rxjs';
import { NestLog } from '../support/nest-log.js';
import { withQuickShutdown } from '../support/quick-shutdown.js';

export interface Service {
  readonly app: INestMicroservice;
  readonly registry: OperationRegistry;
  readonly log: NestLog;
  /** The next event of a type; ask before what causes it. */
  next(type: OperationEvent['type'], name?: string): Promise<OperationSnapshot>;
  collect(type: OperationEvent['type'], count: number): Promise<OperationSnapshot[]>;
}

let closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
});

export function closeAfterTest(close: () => unknown): void {
  closing.push(close);
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

export function observe(
  registry: OperationRegistry,
): Pick<Service, 'registry' | 'next' | 'collect'> {
  const events = (type: OperationEvent['type'], name?: string) =>
    registry.events$.pipe(
      filter((event) => event.type === type),
      filter(({ operation }) => name === undefined || operation.name === name),
    );
  return {
    registry,
    next: async (type, name) => (await firstValueFrom(events(type, name))).operation,
    collect: async (type, count) =>
      (await firstValueFrom(events(type).pipe(take(count), toArray()))).map(
        ({ operation }) => operation,
      ),
  };
}

/** A client; it is closed after the test. */
export async function connectClient(options: ClientOptions): Promise<ClientProxy> {
  const client = ClientProxyFactory.create(options);
  closeAfterTest(() => client.close());
  await client.connect();
  return client;
}
