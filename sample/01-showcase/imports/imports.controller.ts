import { Controller, Delete, Get, NotFoundException, Param, Post, Sse } from '@nestjs/common';
import { OperationRegistry } from 'nestjs-cancelable';
import { ImportsService } from './imports.service.js';

/** Work that goes on after the response: an id, its progress, and a way to stop it. */
@Controller('imports')
export class ImportsController {
  constructor(
    private readonly imports: ImportsService,
    private readonly operations: OperationRegistry,
  ) {}

  @Post()
  start() {
    const { id } = this.operations.spawn({ name: 'import', timeout: '10m' }, (operation) =>
      this.imports.import(operation),
    );
    return { id };
  }

  @Get(':id')
  find(@Param('id') id: string) {
    const operation = this.operations.find(id);
    if (operation === undefined) throw new NotFoundException();
    return operation;
  }

  @Sse(':id/progress')
  progress(@Param('id') id: string) {
    return this.operations.watch(id);
  }

  @Delete(':id')
  stop(@Param('id') id: string) {
    return { canceled: this.operations.cancel(id, { message: 'stop pressed' }) };
  }
}
