import type { OperationLog } from 'nestjs-cancelable';

/** A log that a test can read. */
export class MemoryLog implements OperationLog {
  readonly debugs: string[] = [];
  readonly warnings: string[] = [];
  readonly errors: string[] = [];
  readonly stacks: (string | undefined)[] = [];

  debug(message: string): void {
    this.debugs.push(message);
  }

  warn(message: string): void {
    this.warnings.push(message);
  }

  error(message: string, stack?: string): void {
    this.errors.push(message);
    this.stacks.push(stack);
  }

  get everything(): string[] {
    return [...this.debugs, ...this.warnings, ...this.errors];
  }
}
