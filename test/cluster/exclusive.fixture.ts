import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CancelableModule,
  type CancelationError,
  OperationConflict,
  OperationRegistry,
} from 'nestjs-cancelable';
import { type BusServer, createBus } from './buses.js';

/** An instance that waits for a key and has it until it is canceled, and says so line by line. */
const [server, port] = process.argv.slice(2) as [BusServer, string];
const bus = createBus(server, Number(port));
const cluster = { bus, service: 'reports', instance: 'child', lease: '1s' } as const;

@Module({ imports: [CancelableModule.forRoot({ cluster })] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const registry = app.get(OperationRegistry);
const sync = { name: 'sync', exclusive: { onConflict: 'reject', scope: 'cluster' } } as const;
let line = '';
for (let isOver = false; !isOver; await new Promise((resolve) => setTimeout(resolve, 20))) {
  try {
    await registry.run(sync, (operation) => {
      console.log('begun');
      return operation.sleep('1h');
    });
  } catch (error) {
    isOver = !(error instanceof OperationConflict);
    const { reason, message } = error as Partial<CancelationError>;
    // What it finds again and again, it says once.
    if (line !== (line = isOver ? `${reason}: ${message}` : `${message}`)) console.log(line);
  }
}
await app.close();
