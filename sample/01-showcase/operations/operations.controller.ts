import { Controller, Get, Query } from '@nestjs/common';
import { NotCancelable, OperationRegistry } from 'nestjs-cancelable';

/** What runs, what ran, and how it went. An application would ask who wants to know. */
@Controller('operations')
@NotCancelable()
export class OperationsController {
  constructor(private readonly operations: OperationRegistry) {}

  @Get()
  live() {
    return this.operations.tree();
  }

  @Get('history')
  history(@Query('limit') limit = '10') {
    return this.operations.history({ limit: Number(limit) });
  }

  @Get('statistics')
  statistics() {
    return this.operations.statistics();
  }
}
