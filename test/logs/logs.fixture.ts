import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import {
  ConsoleLogger,
  Controller,
  Get,
  Injectable,
  Logger,
  type LoggerService,
  Module,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  Cancelable,
  CancelableModule,
  currentOperation,
  OperationRegistry,
  tryCurrentOperation,
} from 'nestjs-cancelable';
import { Logger as PinoLogger, LoggerModule, NativeLogger, PinoLogger as Own } from 'nestjs-pino';
import { OperationLogger } from './operation-logger.js';

/**
 * One application that writes every kind of line about operations, to the logger that the command
 * line names. Its output is the log.
 */
const [kind = 'text'] = process.argv.slice(2);

const never = () => new Promise<void>(() => {});

@Injectable()
class Rows {
  @Cancelable({ name: 'rows' })
  async read() {
    await never();
  }
}

@Controller()
class Reports {
  private readonly log = new Logger('Reports');

  constructor(private readonly rows: Rows) {}

  @Get('reports/:city')
  @Cancelable()
  async build() {
    this.log.log('building');
    const reading = this.rows.read();
    currentOperation().cancel();
    await reading;
  }
}

const nestLoggers: Readonly<Record<string, () => LoggerService>> = {
  text: () => new ConsoleLogger({ colors: false }),
  json: () => new ConsoleLogger({ json: true }),
  flat: () => new ConsoleLogger({ json: true, flattenParams: true }),
  unstructured: () => new ConsoleLogger({ json: true, structuredParams: false }),
  'text-with-id': () => new OperationLogger({ colors: false }),
  'json-with-id': () => new OperationLogger({ json: true, flattenParams: true }),
};
const pinoLoggers = { pino: PinoLogger, 'pino-native': NativeLogger, 'pino-keys': PinoLogger };
const isPino = (name: string): name is keyof typeof pinoLoggers => name in pinoLoggers;

@Module({
  imports: [
    CancelableModule.forRoot({
      zombies: { after: '20ms' },
      shutdown: { grace: '10ms', cleanup: '10ms' },
    }),
    ...(isPino(kind)
      ? [
          LoggerModule.forRoot({
            ...(kind === 'pino-keys' ? { renameContext: 'where' } : undefined),
            pinoHttp: {
              level: 'debug',
              mixin: () => ({ operationId: tryCurrentOperation()?.id }),
              ...(kind === 'pino-keys' ? { messageKey: 'message' } : undefined),
            },
          }),
        ]
      : []),
  ],
  controllers: [Reports],
  providers: [Rows],
})
class AppModule {}

const given = nestLoggers[kind];
const app = await NestFactory.create(AppModule, new ExpressAdapter(), {
  bufferLogs: true,
  ...(given === undefined ? undefined : { logger: given() }),
});
if (isPino(kind)) app.useLogger(app.get<LoggerService>(pinoLoggers[kind]));
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address() as AddressInfo;
const registry = app.get(OperationRegistry);

const lingers = new Promise<void>((resolve) => {
  registry.events$.subscribe(({ type }) => type === 'zombie' && resolve());
});
await fetch(`http://127.0.0.1:${port}/reports/Bonn`);
await lingers;
const failure = new Error('no such file');
await registry
  .spawn({ name: 'import \u202e', id: 'import-1' }, () => Promise.reject(failure))
  .result.catch(() => {});
if (isPino(kind)) {
  const own = new OperationRegistry({ logger: new Own({ pinoHttp: {} }) });
  await own.spawn('own', () => Promise.reject(failure)).result.catch(() => {});
}
await app.close();
process.exit(0);
