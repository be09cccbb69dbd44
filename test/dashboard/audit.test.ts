import { afterEach, describe, expect, it } from '@jest/globals';
import { ConsoleLogger, Logger } from '@nestjs/common';
import { hang } from '../cluster/instances.js';
import { adapters } from '../support/http-app.js';
import { NestLog } from '../support/nest-log.js';
import { NameGuard, startDashboard } from './dashboard-app.js';

/** A logger that has fields, and remembers what it was given. */
class FieldsLog extends ConsoleLogger {
  readonly lines: { readonly message: unknown; readonly fields: unknown }[] = [];

  constructor() {
    super({ json: true });
  }

  override log(message: unknown, ...others: unknown[]): void {
    if (others.at(-1) === 'CancelableDashboard') this.lines.push({ message, fields: others[0] });
  }
}

afterEach(() => Logger.overrideLogger(new NestLog()));

describe.each(adapters)('The log of the dashboard on %s', (adapter) => {
  it('says who canceled what, and from where, in fields too', async () => {
    const { app, as, registry } = await startDashboard(adapter, {
      guards: [NameGuard],
      canCancel: ({ name }) => name !== 'backup',
    });
    const log = new FieldsLog();
    app.useLogger(log);
    const [backup, first] = [registry.spawn('backup', hang), registry.spawn('import', hang)];
    const second = registry.spawn('imp\nort', hang);
    const ann = as('ann');

    await ann.post(`/api/operations/${backup.id}/cancel`, {});
    await ann.post(`/api/operations/${first.id}/cancel`, {});
    await ann.post('/api/cancelations', { filter: { kind: ['task'] }, confirmed: 1 });

    const from = expect.stringMatching(/127\.0\.0\.1$/);
    const asked = { requestedBy: 'ann', requestedFrom: from };
    const manual = { reason: 'manual', rootCause: 'manual', ...asked };
    expect(log.lines).toEqual([
      {
        message: expect.stringContaining(`ann was refused to cancel backup (${backup.id}), from`),
        fields: { operation: 'backup', operationId: backup.id, ...asked },
      },
      {
        message: expect.stringContaining(`ann canceled import (${first.id}), from`),
        fields: { operation: 'import', operationId: first.id, ...manual },
      },
      {
        message: expect.stringContaining(`ann canceled imp\\nort (${second.id}), from`),
        fields: { operation: 'imp\\nort', operationId: second.id, ...manual },
      },
      {
        message: expect.stringContaining('ann canceled by filter, 1 in all: {"kind":["task"]}'),
        fields: { count: 1, ...manual },
      },
    ]);
  });
});
