import { Module } from '@nestjs/common';
import { CancelableModule } from 'nestjs-cancelable';
import { outgoingHttp } from 'nestjs-cancelable/http';
import { postgres } from 'nestjs-cancelable/postgres';
import { Pool } from 'pg';
import { Observer } from './outside/observer.js';
import { RankingThreads } from './outside/ranking-threads.js';
import { PageController } from './page.controller.js';
import { RatesServer } from './rates-server.js';
import { ReportController } from './report.controller.js';
import { ReportService } from './report.service.js';
import { SalesDatabase } from './sales-database.js';

@Module({
  imports: [
    CancelableModule.forRoot({
      extensions: [postgres(), outgoingHttp()],
      defaultTimeout: '1m',
      http: { deadlines: ['x-request-timeout-ms'] },
    }),
  ],
  controllers: [PageController, ReportController],
  providers: [
    { provide: SalesDatabase, useFactory: () => SalesDatabase.start() },
    { provide: RatesServer, useFactory: () => RatesServer.start() },
    { provide: Pool, inject: [SalesDatabase], useFactory: ({ pool }: SalesDatabase) => pool },
    ReportService,
    RankingThreads,
    Observer,
  ],
})
export class AppModule {}
