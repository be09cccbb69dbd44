import { Controller, Delete, Get, NotFoundException, Param, Post, Sse } from '@nestjs/common';
import { OperationRegistry, type ScopedRegistry } from 'nestjs-cancelable';
import { ImportsService } from './imports.service.js';

/** Work that goes on after the response: an id, its progress, and a way to stop it. */
@Controller('imports')
export class ImportsController {
  /** Imports and nothing else: an id that a client names reaches no other operation. */
  private readonly operations: ScopedRegistry;

  constructor(
    private readonly imports: ImportsService,
    operations: OperationRegistry,
  ) {
    this.operations = operations.scoped({ name: 'import' });
  }

  @Post()
  start() {
    const { id } = this.operations.spawn({ timeout: '10m' }, (operation) =>
      this.imports.import(operation),
    );
    return { id };
  }

  @Get(':id')
  find(@Param('id') id: string) {
    const operation = this.operations.find(id, { view: 'public' });
    if (operation === undefined) throw new NotFoundException();
    return operation;
  }

  @Sse(':id/progress')
  progress(@Param('id') id: string) {
    return this.operations.watch(id, { heartbeat: '15s' });
  }

  @Delete(':id')
  stop(@Param('id') id: string) {
    return { canceled: this.operations.cancel(id, { message: 'stop pressed' }) };
  }
}
