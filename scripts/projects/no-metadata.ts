// For runners that emit no decorator metadata (esbuild, tsx): whatever a decorator names works, on
// handlers and providers; what Nest itself needs metadata for is named by @Inject().
import 'reflect-metadata';
import { Controller, Get, Inject, Injectable, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Cancelable,
  CancelableModule,
  CancelationToken,
  CancelToken,
  currentOperation,
  CurrentOperation,
  injected,
  Operation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { of } from 'rxjs';

@Injectable()
class ReportsService {
  @Cancelable('5s')
  async build(city: string, @CancelToken() token: CancelationToken = injected) {
    await token.sleep(1);
    return { city, left: token.remaining() > 0, name: currentOperation().name };
  }

  @Cancelable()
  watch(city: string) {
    return of(city);
  }

  @Cancelable()
  async *rows(count: number, @CurrentOperation() operation: Operation = injected) {
    for (let row = 0; row < count; row++) yield `${operation.name} ${row}`;
  }
}

@Controller()
class ReportsController {
  constructor(
    @Inject(ReportsService) private readonly reports: ReportsService,
    @Inject(OperationRegistry) private readonly operations: OperationRegistry,
  ) {}

  @Get('build/:city')
  @Cancelable('10s')
  async build(@Param('city') city: string, @CancelToken() token: CancelationToken) {
    return { ...(await this.reports.build(city)), limited: token.remaining() <= 10_000 };
  }

  @Get('stream/:city')
  @Cancelable()
  stream(@Param('city') city: string) {
    return this.reports.watch(city);
  }

  @Get('rows')
  @Cancelable()
  async rows() {
    const rows: string[] = [];
    for await (const row of this.reports.rows(2)) rows.push(row);
    return rows;
  }

  @Get('live')
  live() {
    return this.operations.list({ kind: 'method' }).length;
  }
}

@Module({
  imports: [CancelableModule.forRoot()],
  controllers: [ReportsController],
  providers: [ReportsService],
})
class AppModule {}

async function main() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const read = async (path: string) => (await fetch(`${url}/${path}`)).text();
  const seen: string[] = [];
  for (const path of ['build/Paris', 'stream/Paris', 'rows', 'live']) seen.push(await read(path));
  await app.close();
  console.log(JSON.stringify(seen));
}
void main();
