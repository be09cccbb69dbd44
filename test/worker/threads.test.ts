import { describe, expect, it } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';
import { runInThread } from 'nestjs-cancelable/worker';
import { rejection } from '../support/deferred.js';
import { functions, reported, worker } from './support.js';
import type * as tasks from './thread-functions.js';

describe('runInThread()', () => {
  it('carries id, name, kind, metadata, tags and deadline over', async () => {
    const registry = new OperationRegistry();
    const options = {
      name: 'report',
      timeout: '1h',
      metadata: { owner: 'ann', at: new Date(5) },
      tags: ['big'],
    };
    await registry.run(options, async (operation) => {
      const found = await runInThread<typeof tasks.describeOperation>(functions, {
        name: 'describeOperation',
        worker,
      });
      const { id, name, kind, metadata, tags } = operation;
      expect(found).toMatchObject({ id, name, kind, metadata, tags });
      expect(found.deadline! - operation.token.deadline!.getTime()).toBeCloseTo(0, -2);
    });
  });

  it('stops a loop that never gives way, and rejects with the operation’s own error', async () => {
    const registry = new OperationRegistry();
    let thread!: Promise<unknown>;
    const work = registry.spawn('loop', async () => {
      thread = runInThread(functions, { name: 'compute', grace: '1h', worker });
      await thread;
    });
    await reported(work, 'computing');
    work.cancel({ message: 'enough' });
    expect(await rejection(thread)).toBe(work.cancelation);
  });
});
