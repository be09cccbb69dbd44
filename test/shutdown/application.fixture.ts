import 'reflect-metadata';
import { Controller, Get, Injectable, Module, type OnModuleDestroy, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  Cancelable,
  CancelableModule,
  currentOperation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { NEVER } from 'rxjs';

/**
 * An application that real signals end. Its kind is the first argument, its options the second;
 * what happens goes to the standard output, a line each.
 */
const [kind = 'express', shutdown = '{}'] = process.argv.slice(2);
// What a full pipe has not taken yet is lost when the process ends itself.
for (const stream of [process.stdout, process.stderr]) {
  const { _handle: handle } = stream as { _handle?: { setBlocking?(isBlocking: boolean): void } };
  handle?.setBlocking?.(true);
}
const say = (line: string) => process.stdout.write(`${line}\n`);

@Injectable()
class Pool implements OnModuleDestroy {
  onModuleDestroy() {
    say('pool closed');
  }
}

@Controller()
class Work {
  @MessagePattern('slow')
  @Get('slow')
  async slow(): Promise<string> {
    say('entered');
    await new Promise((resolve) => setTimeout(resolve, 300));
    return 'done';
  }

  @Get('endless')
  @Cancelable()
  @MessagePattern('endless')
  async endless(operation = currentOperation()) {
    say('entered');
    try {
      await operation.sleep('1h');
    } finally {
      say(`stopped: ${operation.cancelation?.reason}`);
    }
  }

  @Get('health')
  @Cancelable({ onShutdown: 'ignore' })
  async health() {
    return 'alive';
  }

  @Get('deaf')
  @Cancelable()
  deaf() {
    say('entered');
    return new Promise(() => {});
  }

  @Sse('events')
  events() {
    say('entered');
    return NEVER;
  }
}

@Module({
  imports: [CancelableModule.forRoot({ shutdown: JSON.parse(shutdown) as object })],
  controllers: [Work],
  providers: [Pool],
})
class AppModule {
  onModuleDestroy() {
    say('root closed');
  }
}

const logger: ('log' | 'warn' | 'error')[] = ['log', 'warn', 'error'];
const end = { useProcessExit: true };

if (kind === 'express' || kind === 'fastify') {
  const adapter = kind === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = await NestFactory.create(AppModule, adapter as ExpressAdapter, { logger });
  app.enableShutdownHooks(undefined, end);
  await app.listen(0, '127.0.0.1');
  say(`listening on ${new URL(await app.getUrl()).port}`);
} else if (kind === 'microservice') {
  const port = Number(process.env['PORT']);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
    logger,
  });
  app.enableShutdownHooks(undefined, end);
  await app.listen();
  say(`listening on ${port}`);
} else if (kind === 'script') {
  const app = await NestFactory.createApplicationContext(AppModule, { logger });
  say('listening on 0');
  app.get(OperationRegistry).spawn('script', () => app.get(Work).deaf());
  await app.close();
} else {
  const app = await NestFactory.createApplicationContext(AppModule, { logger });
  app.enableShutdownHooks(undefined, end);
  say('listening on 0');
  app.get(OperationRegistry).spawn('script', () => app.get(Work).endless());
}
