import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import { Cancelable, CurrentOperation, type Operation } from 'nestjs-cancelable';

/** The service behind: slow, and stopped when its caller goes. */
@Controller()
export class ReportsController {
  @GrpcMethod('Reports')
  @Cancelable('1m')
  async build(@Payload() { name }: { name: string }, @CurrentOperation() operation: Operation) {
    await operation.sleep('10s');
    return { text: `a report on ${name}` };
  }

  @GrpcMethod('Reports')
  @Cancelable('1m')
  async *rows(@Payload() { name }: { name: string }, @CurrentOperation() operation: Operation) {
    for (let row = 1; row <= 1_000; row++) {
      await operation.sleep('50ms');
      operation.reportProgress({ message: 'rows sent', current: row, total: 1_000 });
      yield { text: `row ${row} of ${name}` };
    }
  }
}
