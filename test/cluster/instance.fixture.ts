import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CancelableModule,
  currentOperation,
  type Operation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { createBus } from './buses.js';
import type { InstanceSettings } from './remote-instance.js';

/** One instance of a service in a process of its own, which does what it is told. */
const { bus, port, ...cluster } = JSON.parse(process.argv[2]!) as InstanceSettings;

@Module({
  imports: [
    CancelableModule.forRoot({
      cluster: { ...cluster, bus: createBus(bus, port) },
      shutdown: { grace: '1ms', cleanup: '1ms' },
    }),
  ],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const registry = app.get(OperationRegistry);
const operations = new Map<string, Operation>();

const commands = {
  spawn: (name: string) => {
    const operation = registry.spawn(name, () => {
      const running = currentOperation();
      operations.set(running.id, running);
      return running.sleep('1h');
    });
    operation.result.catch(() => {});
    return operation.id;
  },
  status: (id: string) => registry.find(id)?.status,
  canceled: () => registry.statistics().byReason.manual ?? 0,
  progress: (id: string) => operations.get(id)?.reportProgress('half'),
  now: () => Date.now(),
  close: () => app.close(),
} satisfies Record<string, (argument: string) => unknown>;

process.on('message', (message) => {
  const { number, command, argument } = message as {
    number: number;
    command: keyof typeof commands;
    argument: string;
  };
  void (async () => process.send?.({ number, value: await commands[command](argument) }))();
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
