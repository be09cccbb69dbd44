import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { Cancelable, currentOperation } from 'nestjs-cancelable';

/** The service behind: slow, and stopped when its caller goes. */
@Controller()
export class ReportsController {
  @GrpcMethod('Reports')
  @Cancelable('1m')
  async build({ name }: { name: string }) {
    const operation = currentOperation();
    await operation.sleep('10s');
    return { text: `a report on ${name}` };
  }

  @GrpcMethod('Reports')
  @Cancelable('1m')
  async *rows({ name }: { name: string }) {
    const operation = currentOperation();
    for (let row = 1; row <= 1_000; row++) {
      await operation.sleep('50ms');
      operation.reportProgress({ message: 'rows sent', current: row, total: 1_000 });
      yield { text: `row ${row} of ${name}` };
    }
  }
}
