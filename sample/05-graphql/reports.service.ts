import { Injectable } from '@nestjs/common';
import { Cancelable, currentOperation } from 'nestjs-cancelable';

/** A local stand-in for slow sources of data. */
@Injectable()
export class ReportsService {
  @Cancelable({ name: 'reports.find' })
  async find(city: string, operation = currentOperation()) {
    await operation.sleep('100ms');
    return { city };
  }

  @Cancelable({ name: 'reports.summarise' })
  async summarise(city: string, operation = currentOperation()) {
    for (let page = 1; page <= 50; page++) {
      await operation.sleep('100ms');
      operation.reportProgress({ message: `page ${page}`, current: page, total: 50 });
    }
    return `There is much to say about ${city}.`;
  }
}
