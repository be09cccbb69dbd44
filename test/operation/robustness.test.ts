import { describe, expect, it } from '@jest/globals';
import { anyOf, type Operation, OperationRegistry } from 'nestjs-cancelable';
import { Operation as OperationClass } from 'nestjs-cancelable';
import { rejection, turn } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

/** Has no prototype, so that nothing can print it. */
const unprintable = Object.create(null) as Error;

async function later(ticks: number): Promise<void> {
  for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
}

describe('what users throw and forget', () => {
  it('is logged even if it cannot be printed, and stops no cancel', async () => {
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    const heard: string[] = [];
    const result = registry.run({ name: 'work', timeout: 20 }, (operation) => {
      operation.onCancel(() => {
        throw unprintable;
      });
      operation.onCancel(() => void heard.push('second'));
      return operation.sleep('1h');
    });
    expect(await rejection(result)).toMatchObject({ reason: 'timeout' });
    expect(heard).toEqual(['second']);
    // The timers behind it still fire.
    const next = registry.run({ timeout: 20 }, (operation) => operation.sleep('1h'));
    expect(await rejection(next)).toMatchObject({ reason: 'timeout' });
  });

  it.each(['name', 'message', 'code', 'stack'])(
    'reaches the caller as it is, and is logged, although nobody can read its %s',
    async (key) => {
      const log = new MemoryLog();
      const registry = new OperationRegistry({ logger: log });
      const broken = new Error('no paper');
      Object.defineProperty(broken, key, {
        get: () => {
          throw new Error('not to be read');
        },
      });
      const { id, result } = registry.spawn('work', async () => {
        throw broken;
      });
      expect(await rejection(result)).toBe(broken);
      await registry.whenIdle();
      const [ended] = registry.history();
      expect(ended).toMatchObject({ id, status: 'failed', error: { name: expect.any(String) } });
      expect(log.errors).toEqual([expect.stringMatching(/^work failed: /)]);
      const canceled = registry.run('work', (operation) => {
        operation.cancel();
        throw broken;
      });
      expect(await rejection(canceled)).toMatchObject({ reason: 'manual' });
    },
  );

  it('leaves nothing of a thousand shields behind in an operation that goes on', async () => {
    await new OperationRegistry().run('long', async (operation) => {
      for (let index = 0; index < 1_000; index++) await operation.shield(async () => index);
      const { extras, listenerCount } = OperationClass.stateOf(operation);
      expect([extras?.links?.length ?? 0, listenerCount]).toEqual([0, 0]);
    });
  });

  it.each([false, true])(
    'runs every cleanup, whenever it is added (canceled: %p)',
    async (stop) => {
      const registry = new OperationRegistry();
      const ran: number[] = [];
      const body = (ticks: number) => (operation: Operation) => {
        operation.defer(() => {
          void later(ticks).then(() => operation.defer(() => void ran.push(ticks)));
        });
        if (stop) operation.cancel();
      };
      const all = [0, 1, 2, 3, 4, 5, 6, 7];
      for (const ticks of all) await registry.run('work', body(ticks)).catch(() => {});
      await turn();
      expect(ran).toEqual(all);
    },
  );

  it('stops the sources of anyOf() that have started when another cannot', async () => {
    const stopped: string[] = [];
    const slow = { name: 'slow', start: async () => () => void stopped.push('slow') };
    const quick = { name: 'quick', start: () => () => void stopped.push('quick') };
    const broken = { name: 'broken', start: () => Promise.reject(new Error('broken')) };
    const sources = [anyOf(slow, quick, broken)];
    const run = new OperationRegistry().run({ name: 'work', sources }, async () => 1);
    expect(await rejection(run)).toMatchObject({ message: expect.stringContaining('broken') });
    expect(stopped.sort()).toEqual(['quick', 'slow']);
  });
});
