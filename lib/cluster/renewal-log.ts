import type { OperationLog } from '../operation/operation-log.js';
import { describeError } from '../scope/describe-error.js';

/** Says once per outage that leases cannot be renewed. */
export class RenewalLog {
  private isOut = false;

  constructor(private readonly log: OperationLog) {}

  failed(name: string, error: unknown): void {
    if (this.isOut) return;
    this.isOut = true;
    this.log.warn(
      `The lease of ${name} could not be renewed: ${describeError(error)}. It goes on, and this is ` +
        'tried again; if the lease runs out meanwhile, another instance may begin the same.',
    );
  }

  worked(): void {
    this.isOut = false;
  }
}
