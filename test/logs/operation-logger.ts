import { ConsoleLogger } from '@nestjs/common';
import { tryCurrentOperation } from 'nestjs-cancelable';

/** As docs/logs.md has it. */
export class OperationLogger extends ConsoleLogger {
  // The lines of `json: true`.
  protected override getJsonLogObject(message: unknown, options: never) {
    const operationId = tryCurrentOperation()?.id;
    return { operationId, ...super.getJsonLogObject(message, options) };
  }

  // All others.
  protected override formatContext(context: string): string {
    const id = tryCurrentOperation()?.id;
    return super.formatContext(id === undefined ? context : `${context} ${id}`);
  }
}
