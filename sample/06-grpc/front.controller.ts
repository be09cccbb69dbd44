import { Controller, Get, Inject, type OnModuleInit, Param, Sse } from '@nestjs/common';
import type { ClientGrpc } from '@nestjs/microservices';
import { Cancelable } from 'nestjs-cancelable';
import { firstValueFrom, map, type Observable } from 'rxjs';

interface Report {
  readonly text: string;
}

interface Reports {
  build(city: { name: string }): Observable<Report>;
  rows(city: { name: string }): Observable<Report>;
}

/** The service in front: its requests reach through to the one behind. */
@Controller('reports')
export class FrontController implements OnModuleInit {
  private reports!: Reports;

  constructor(@Inject('reports') private readonly client: ClientGrpc) {}

  onModuleInit(): void {
    this.reports = this.client.getService<Reports>('Reports');
  }

  /** Half a second is not enough: both sides stop, the service behind by the deadline it was told. */
  @Get(':city')
  @Cancelable('500ms')
  build(@Param('city') name: string) {
    return firstValueFrom(this.reports.build({ name }));
  }

  /** Ends when the client leaves, on both sides. */
  @Sse(':city/rows')
  @Cancelable('1m')
  rows(@Param('city') name: string) {
    return this.reports.rows({ name }).pipe(map((data) => ({ data })));
  }
}
