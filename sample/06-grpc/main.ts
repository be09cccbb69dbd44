import 'reflect-metadata';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, type GrpcOptions, Transport } from '@nestjs/microservices';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { microservices } from 'nestjs-cancelable/microservices';
import { FrontController } from './front.controller.js';
import { ReportsController } from './reports.controller.js';

const grpc: GrpcOptions = {
  transport: Transport.GRPC,
  options: {
    url: `127.0.0.1:${await freePort()}`,
    package: 'reports',
    // Not compiled: it stays where it is.
    protoPath: fileURLToPath(new URL('../../sample/06-grpc/reports.proto', import.meta.url)),
  },
};

@Module({ imports: [CancelableModule.forRoot()], controllers: [ReportsController] })
class ServiceModule {}

const service = await NestFactory.createMicroservice<GrpcOptions>(ServiceModule, {
  ...grpc,
  logger: ['warn'],
});
await service.listen();

/** What the service behind has seen; the two share a process only to be started by one command. */
@Controller('service')
class ServiceController {
  private readonly operations = service.get(OperationRegistry);

  @Get()
  history() {
    return { live: this.operations.list(), ended: this.operations.history() };
  }
}

@Module({
  imports: [
    CancelableModule.forRoot({ extensions: [microservices()] }),
    ClientsModule.register([{ name: 'reports', ...grpc }]),
  ],
  controllers: [FrontController, ServiceController],
})
class FrontModule {}

const front = await NestFactory.create(FrontModule, { logger: ['warn'] });
front.enableShutdownHooks(undefined, { useProcessExit: true });
await front.listen(Number(process.env['PORT'] ?? 3000));
console.log(`Reports are at http://localhost:${new URL(await front.getUrl()).port}/reports`);

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
