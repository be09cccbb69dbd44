import { Controller, DefaultValuePipe, Delete, Get, ParseFloatPipe, Query } from '@nestjs/common';
import { OperationRegistry } from 'nestjs-cancelable';
import { Observer } from './outside/observer.js';
import { ReportService } from './report.service.js';

@Controller()
export class ReportController {
  constructor(
    private readonly reports: ReportService,
    private readonly observer: Observer,
    private readonly operations: OperationRegistry,
  ) {}

  @Get('report')
  report(@Query('seconds', new DefaultValuePipe(10), ParseFloatPipe) seconds: number) {
    return this.reports.report(seconds);
  }

  /** Cancels what runs, whoever asked for it. An application would ask who may. */
  @Delete('report')
  cancel() {
    const message = 'canceled from the server';
    return { canceled: this.operations.cancelAll({ name: 'GET /report' }, { message }) };
  }

  /** What the three parts do, seen from outside. */
  @Get('status')
  status() {
    return this.observer.status;
  }
}
