import { expect, it } from '@jest/globals';
import { firstValueFrom, lastValueFrom, take, tap, toArray } from 'rxjs';
import { until } from '../support/open-bus.js';
import { describeWith } from '../support/servers.js';
import { hang } from './instances.js';
import { isComplete, startTwo } from './two-instances.js';

const HOUR = 3_600_000;

describeWith(['redis'], 'an instance whose clock', () => {
  it.each([
    ['is an hour ahead', HOUR],
    ['is an hour behind', -HOUR],
  ])('%s is listed, watched and canceled as ever', async (_clock, ahead) => {
    const { registry, other } = await startTwo('redis', { ahead });
    const difference = ((await other.do('now')) as number) - Date.now();
    expect(Math.abs(difference - ahead)).toBeLessThan(HOUR / 2);

    const begin = [
      () => registry.spawn('first', hang).id,
      () => other.spawn('second'),
      () => registry.spawn('third', hang).id,
      () => other.spawn('fourth'),
    ];
    const ids: string[] = [];
    for (const each of begin) {
      ids.push(await each());
      // How far the clocks are apart is only known to some milliseconds.
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const found = async (filter: object) =>
      (await registry.cluster.list(filter, { timeout: '10s' })).operations.map(({ id }) => id);
    expect(await found({})).toEqual(ids);
    expect(await found({ since: new Date(Date.now() - HOUR / 2) })).toEqual(ids);
    expect(await found({ since: new Date(Date.now() + HOUR / 2) })).toEqual([]);
    expect(await found({ olderThan: '30m' })).toEqual([]);
    expect(await found({ olderThan: 1 })).toEqual(ids);
    expect(await found({ limit: 2 })).toEqual(ids.slice(2));

    const second = ids[1]!;
    const progress = firstValueFrom(
      registry.cluster.watch(second).pipe(
        tap(({ type }) => type === 'state' && void other.do('progress', second)),
        take(2),
        toArray(),
      ),
    );
    expect((await progress).map(({ type }) => type)).toEqual(['state', 'progress']);
    const outcome = lastValueFrom(registry.cluster.watch(second));
    expect(await registry.cluster.cancel(second, { timeout: '10s' })).toMatchObject({
      canceled: true,
      owner: 'other',
    });
    expect((await outcome).type).toBe('settled');
    expect(await other.do('canceled')).toBe(1);

    await other.freeze();
    const { complete } = await registry.cluster.list({}, { timeout: '300ms' });
    expect(complete).toBe(false);
    other.unfreeze();
    await until(isComplete(registry, 2));
    await other.kill();
    await until(isComplete(registry, 1));
    expect(await found({})).toEqual([ids[0], ids[2]]);
  });
});
