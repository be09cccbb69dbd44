import { Injectable } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { Cancelable, currentOperation } from 'nestjs-cancelable';

@Injectable()
export class SyncService {
  /**
   * Begins every second and takes three: the ticks in between find the key taken, and are skipped. A
   * run that takes longer than a minute is canceled.
   */
  @Cron(CronExpression.EVERY_SECOND, { name: 'sync' })
  @Cancelable({ timeout: '1m', exclusive: { onConflict: 'skip' } })
  async sync(operation = currentOperation()) {
    for (let page = 1; page <= 30; page++) {
      await operation.sleep('100ms');
      operation.reportProgress({ message: 'pages copied', current: page, total: 30 });
    }
  }
}
