import { describe, expect, it } from '@jest/globals';
import {
  type CancelableExtension,
  ClusterIncomplete,
  type FindPendingWork,
  OperationConflict,
} from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { newService } from './instances.js';
import { PlayedInstance } from './played-instance.js';

describe('work that an extension finds when somebody cancels', () => {
  const outboxOf = (find: FindPendingWork): CancelableExtension => ({
    name: 'outbox',
    install: ({ onClusterCancel }) => {
      onClusterCancel(find);
    },
  });

  async function clusterOver(find: FindPendingWork) {
    const { registry } = await startContext({}, { extensions: [outboxOf(find)] });
    return { registry, cluster: registry.cluster };
  }

  const mail = (id: string, cancel: () => Promise<boolean>) =>
    ({ id, name: 'mail', kind: 'task', cancel }) as const;

  it('is taken back, once', async () => {
    const outbox = new Set(['mail:1']);
    const { cluster } = await clusterOver(async (id) =>
      outbox.has(id) ? [mail(id, async () => outbox.delete(id))] : [],
    );
    const answers = await Promise.all([1, 2, 3].map(() => cluster.cancel('mail:1')));
    expect(answers.filter(({ canceled }) => canceled)).toHaveLength(1);
    expect(await cluster.cancel('mail:1')).toMatchObject({ canceled: false, owner: undefined });
  });

  it('is taken back by one of those who ask, and by the next one if that fails', async () => {
    let [calls, taken] = [0, 0];
    const cancel = async () => {
      const call = ++calls;
      await new Promise(setImmediate);
      if (call === 1) throw new Error('the outbox is busy');
      taken++;
      return true;
    };
    const { cluster } = await clusterOver(async (id) => (taken > 0 ? [] : [mail(id, cancel)]));
    await expect(cluster.cancel('mail:1')).rejects.toThrow('the outbox is busy');
    const answers = await Promise.all([1, 2, 3].map(() => cluster.cancel('mail:1')));
    expect(answers.filter(({ canceled }) => canceled)).toHaveLength(1);
    expect([calls, taken]).toEqual([2, 1]);
  });

  it('is taken back once by a question that comes twice, and not by one with another scope', async () => {
    const service = newService();
    const outbox = new Set(['mail:1']);
    const find: FindPendingWork = async (id) => [mail(id, async () => outbox.delete(id))];
    await startContext({}, { extensions: [outboxOf(find)], cluster: { service } });
    const played = await PlayedInstance.join(service);
    const outside = { id: 'mail:1', scope: [{ name: 'letter' }], timeout: 1_000 };
    await played.send(`${service}:all`, 'ask', 'cancelPending', 'r0', outside);
    await played.settle();
    expect(played.answerTo('r0')).toMatchObject({ value: { canceled: false } });
    for (let time = 0; time < 2; time++) {
      const ask = { id: 'mail:1', scope: [], timeout: 1_000 };
      await played.send(`${service}:all`, 'ask', 'cancelPending', 'r1', ask);
      await played.settle();
    }
    const answers = played.heard.filter(({ k, r }) => k === 'answer' && r === 'r1');
    expect(answers.map(({ b }) => b['value'])).toEqual([{ canceled: true }, { canceled: true }]);
  });

  it('is one, however often it is found', async () => {
    const outbox = new Set(['mail:1']);
    const { cluster } = await clusterOver(async (id) => {
      const found = mail(id, async () => outbox.delete(id));
      return [found, found];
    });
    expect(await cluster.cancel('mail:1')).toMatchObject({ canceled: true });
  });

  it('that is not taken back in time leaves the answer open', async () => {
    const { cluster } = await clusterOver(async (id) => [mail(id, () => new Promise(() => {}))]);
    await expect(cluster.cancel('mail:1', { timeout: 100 })).rejects.toThrow(ClusterIncomplete);
  });

  it('is not looked for where an operation has the id', async () => {
    const asked: string[] = [];
    const { registry, cluster } = await clusterOver(async (id) => {
      asked.push(id);
      return [];
    });
    const operation = registry.spawn({ name: 'mail', id: 'mail:1' }, () => new Promise(() => {}));
    operation.result.catch(() => {});
    expect(await cluster.cancel('mail:1')).toMatchObject({ canceled: true });
    await cluster.cancel(registry.spawn('mail', async () => {}).id.replace(/.$/, '_'));
    expect(asked).toEqual([]);
  });

  it('that has begun and has no operation is not said to be canceled, nor to be missing', async () => {
    const { cluster } = await clusterOver(async (id) => [mail(id, async () => false)]);
    const canceled = cluster.cancel('mail:1', { timeout: 100 });
    await expect(canceled).rejects.toThrow(ClusterIncomplete);
    await expect(canceled).rejects.toThrow('it has begun where no instance answers for it');
  });

  it('is canceled by none of its short names that means several', async () => {
    let taken = 0;
    const cancel = async () => taken++ === 0;
    const { cluster } = await clusterOver(async () => [mail('a:1', cancel), mail('b:1', cancel)]);
    await expect(cluster.cancel('1')).rejects.toThrow(OperationConflict);
    expect(taken).toBe(0);
  });

  it('makes the answer incomplete when its finder fails, or does not answer', async () => {
    const failing = await clusterOver(() => Promise.reject(new Error('the outbox is closed')));
    await expect(failing.cluster.cancel('mail:1')).rejects.toThrow('the outbox is closed');
    const silent = await clusterOver(() => new Promise(() => {}));
    await expect(silent.cluster.cancel('mail:1', { timeout: 100 })).rejects.toThrow(
      ClusterIncomplete,
    );
  });
});
