import { Controller, Get, Header } from '@nestjs/common';
import { NotCancelable } from 'nestjs-cancelable';
import { register } from 'prom-client';

/** For Prometheus; grafana/nestjs-cancelable.json in the package shows it. */
@Controller('metrics')
@NotCancelable()
export class MetricsController {
  @Get()
  @Header('Content-Type', register.contentType)
  read(): Promise<string> {
    return register.metrics();
  }
}
