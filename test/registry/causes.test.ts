import { describe, expect, it } from '@jest/globals';
import { CancelationToken, type OperationHandle, OperationRegistry } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';

async function chain(registry: OperationRegistry, levels: number): Promise<OperationHandle[]> {
  const handles: OperationHandle[] = [registry.start('level 0')];
  for (let level = 1; level < levels; level++) {
    const above = handles[level - 1];
    handles.push(await above!.run(() => registry.start(`level ${level}`)));
  }
  return handles;
}

describe('snapshots keep why an operation was canceled, also once all have ended', () => {
  it('the chain of reasons, who asked, and where in the code', async () => {
    const registry = new OperationRegistry();
    const handles = await chain(registry, 3);
    const [root, child, grandchild] = handles.map(({ operation }) => operation);
    root!.cancel({ reason: 'disconnect', message: 'socket closed', requestedBy: 'ann' });
    const live = registry.tree()[0];
    for (const handle of [...handles].reverse()) await handle.complete();

    const expected = {
      reason: 'parent',
      message: 'parent level 1 was canceled',
      requestedBy: 'ann',
      causes: [
        {
          reason: 'parent',
          message: 'parent level 0 was canceled',
          operationId: child!.id,
          operationName: 'level 1',
          requestedBy: 'ann',
          at: expect.any(String),
        },
        {
          reason: 'disconnect',
          message: 'socket closed',
          operationId: root!.id,
          operationName: 'level 0',
          requestedBy: 'ann',
          requestedFrom: expect.stringMatching(/causes\.test\.ts:\d+/),
          at: expect.any(String),
        },
      ],
    };
    expect(live?.children[0]?.children[0]).toMatchObject(expected);
    for (const found of [grandchild!.snapshot(), registry.find(grandchild!.id)]) {
      expect(found).toMatchObject(expected);
      expect(found).not.toHaveProperty('requestedFrom');
    }
    const asked = registry.find(root!.id);
    expect(asked?.requestedFrom).toMatch(/causes\.test\.ts:\d+/);
    expect(asked).not.toHaveProperty('causes');
    expect(registry.find(grandchild!.id, { view: 'public' })).not.toHaveProperty('causes');
    expect(JSON.stringify(grandchild)).not.toContain('socket closed');
  });

  it('the nearest links and the root of a chain of thousands', async () => {
    const registry = new OperationRegistry();
    const handles = await chain(registry, 5_000);
    handles[0]!.operation.cancel({ reason: 'shutdown', cause: new Error('deployed') });
    const { causes = [] } = (handles.at(-1) as OperationHandle).operation.snapshot();
    expect(causes).toHaveLength(10);
    expect(causes[0]).toMatchObject({ reason: 'parent', operationName: 'level 4998' });
    expect(causes[7]).toMatchObject({ reason: 'parent', operationName: 'level 4991' });
    expect(causes[8]).toMatchObject({ reason: 'shutdown', operationName: 'level 0' });
    expect(causes[9]).toEqual({ message: 'Error: deployed' });

    const nine = handles[9]!.operation.snapshot().causes ?? [];
    expect(nine).toHaveLength(10);
    expect(nine[7]).toMatchObject({ reason: 'parent', operationName: 'level 1' });
    expect(nine[8]).toMatchObject({ reason: 'shutdown', operationName: 'level 0' });
  });

  it('the chain of a token, of an error, and of what the body threw', async () => {
    const registry = new OperationRegistry();
    const token = new CancelationToken();
    const work = registry.run({ name: 'linked', sources: [token] }, (own) => own.sleep('1h'));
    token.cancel({
      message: 'stop pressed',
      cause: new Error('why', { cause: new Error('root') }),
    });
    await rejection(work);
    const adopting = registry.run({ name: 'adopting', settle: 'wait' }, async (operation) => {
      operation.cancel();
      throw Object.assign(new Error('query canceled'), { code: '57014' });
    });
    await rejection(adopting);
    const text = registry.start('text');
    text.operation.cancel({ cause: 'just because' });
    await text.complete();

    expect(registry.history({ name: 'linked' })[0]).toMatchObject({
      reason: 'manual',
      causes: [
        { reason: 'manual', message: 'stop pressed', requestedFrom: expect.any(String) },
        { message: 'Error: why' },
        { message: 'Error: root' },
      ],
    });
    expect(registry.history({ name: 'adopting' })[0]!.causes).toEqual([
      { message: 'Error: query canceled' },
    ]);
    expect(registry.history({ name: 'text' })[0]!.causes).toEqual([{ message: 'just because' }]);
  });
});
