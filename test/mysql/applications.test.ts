import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import * as mysql2 from 'mysql2';
import { startContext } from '../support/app-context.js';
import { rejection } from '../support/deferred.js';
import { describeWith } from '../support/servers.js';
import { Database, startKilling } from './harness.js';

const ownerOf = (start: any, method: string): any => {
  let owner = start;
  while (!Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner);
  return owner;
};
const originals = () => {
  const pools = ownerOf((mysql2 as any).Pool.prototype, 'getConnection');
  const clusters = ownerOf((mysql2.createPoolCluster({}) as any).of('*'), 'getConnection');
  return [
    ownerOf((mysql2 as any).Connection.prototype, 'addCommand').addCommand,
    pools.getConnection,
    pools.query,
    pools.execute,
    clusters.getConnection,
  ];
};

describeWith(['mariadb'], 'mysql() and applications', () => {
  let database: Database;
  beforeAll(async () => {
    database = await Database.start();
  });
  afterAll(() => database.stop());
  afterEach(() => database.closeClients());

  it('puts the methods back, whichever application closes first', async () => {
    const before = originals();
    // Made before any application, and used by all of them.
    const pool = database.promisePool({ connectionLimit: 1 });
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const apps = [await startKilling(), await startKilling()];
      for (const [index, method] of originals().entries()) expect(method).not.toBe(before[index]);
      for (const index of order) {
        const { app, registry } = apps[index]!;
        const operation = await database.begun(registry, 'SLEEP(60)', () =>
          pool.query('SELECT SLEEP(60)'),
        );
        operation.cancel();
        expect(await rejection(operation.result)).toBe(operation.cancelation);
        await app.close();
        expect((await registry.run('late', () => pool.query('SELECT 1 AS one')))[0]).toEqual([
          { one: 1 },
        ]);
      }
      for (const [index, method] of originals().entries()) expect(method).toBe(before[index]);
      // Its own connections are closed too.
      while ((await database.processes()).length > 1);
    }
  });

  it('kills nothing for an application that did not ask for it', async () => {
    await startKilling();
    const other = await startContext({});
    const pool = database.promisePool({ connectionLimit: 1 });
    const operation = await database.begun(other.registry, 'SLEEP(0.3)', () =>
      pool.query('SELECT SLEEP(0.3) + 1 AS one'),
    );
    operation.cancel();
    expect(await operation.result).toMatchObject([[{ one: 1 }], expect.anything()]);
  });

  it('leaves what is outside of an operation alone', async () => {
    const { registry } = await startKilling();
    const pool = database.promisePool({ connectionLimit: 1 });
    const answered = pool.query('SELECT SLEEP(0.3) + 1 AS one');
    const waiting = pool.query('SELECT 2 AS two');
    await database.runs('SLEEP(0.3)');
    registry.cancelAll({});
    expect((await answered)[0]).toEqual([{ one: 1 }]);
    expect((await waiting)[0]).toEqual([{ two: 2 }]);
    expect(await rejection(pool.query('SELECT nonsense'))).toMatchObject({ errno: 1054 });
    expect(await rejection(pool.execute('SELECT nonsense'))).toMatchObject({ errno: 1054 });
  });
});
