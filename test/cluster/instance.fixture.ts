import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule, currentOperation, OperationRegistry } from 'nestjs-cancelable';
import { redisBus } from 'nestjs-cancelable/redis';

/** One instance of a service in a process of its own, which does what it is told. */
const { port, service, instance, heartbeat } = JSON.parse(process.argv[2]!) as {
  readonly port: number;
  readonly service: string;
  readonly instance: string;
  readonly heartbeat: string;
};

@Module({
  imports: [
    CancelableModule.forRoot({
      cluster: {
        bus: redisBus({ url: `redis://127.0.0.1:${port}` }),
        ...{ service, instance, heartbeat },
      },
      shutdown: { grace: '1ms', cleanup: '1ms' },
    }),
  ],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const registry = app.get(OperationRegistry);

const commands = {
  spawn: (name: string) => {
    const operation = registry.spawn(name, () => currentOperation().sleep('1h'));
    operation.result.catch(() => {});
    return operation.id;
  },
  status: (id: string) => registry.find(id)?.status,
  canceled: () => registry.statistics().byReason.manual ?? 0,
  list: async () => (await registry.cluster.list()).operations.map(({ id }) => id),
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
