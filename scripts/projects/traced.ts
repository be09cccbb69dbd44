// An application that OpenTelemetry instruments by itself, which it does up to Nest 11.
import { pathOfOutgoing } from './tracing';
import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Injectable, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cancelable, CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { opentelemetry } from 'nestjs-cancelable/opentelemetry';

const elsewhere = createServer((_, response) => response.end('rows'));

async function readAll(url: string) {
  const [response] = await once(get(url), 'response');
  response.resume();
  await once(response, 'end');
}

@Injectable()
class ReportsService {
  @Cancelable('5s')
  async build(city: string) {
    const { port } = elsewhere.address() as AddressInfo;
    await readAll(`http://127.0.0.1:${port}/${city}`);
    return city;
  }
}

@Controller('reports')
class ReportsController {
  constructor(private readonly reports: ReportsService) {}

  @Get(':city')
  @Cancelable('10s')
  build(@Param('city') city: string) {
    return this.reports.build(city);
  }
}

@Module({
  imports: [CancelableModule.forRoot({ extensions: [opentelemetry()] })],
  controllers: [ReportsController],
  providers: [ReportsService],
})
class AppModule {}

async function main() {
  await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  await readAll(`${await app.getUrl()}/reports/Paris`);
  await app.get(OperationRegistry).whenIdle();
  await app.close();
  console.log(JSON.stringify(pathOfOutgoing()));
  process.exit(0);
}

void main();
