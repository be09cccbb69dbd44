import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule, type CancelationError, OperationRegistry } from 'nestjs-cancelable';
import { type BusServer, createBus } from './buses.js';

/** An instance that has a key until it is canceled, and says so line by line. */
const [server, port] = process.argv.slice(2) as [BusServer, string];
const bus = createBus(server, Number(port));
const cluster = { bus, service: 'reports', instance: 'child', lease: '1s' } as const;

@Module({ imports: [CancelableModule.forRoot({ cluster })] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const work = app
  .get(OperationRegistry)
  .run({ name: 'sync', exclusive: { onConflict: 'reject', scope: 'cluster' } }, (operation) => {
    console.log('begun');
    return operation.sleep('1h');
  });
await work.catch(({ reason, message }: CancelationError) => console.log(`${reason}: ${message}`));
await app.close();
