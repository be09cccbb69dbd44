import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  Cancelable,
  type CancelationBus,
  type ClusterLeases,
  ClusterUnavailable,
} from 'nestjs-cancelable';
import { natsBus, type NatsLeaseOptions } from 'nestjs-cancelable/nats';
import { bucketOf } from '../../lib/nats/subjects.js';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { rejection, turn } from '../support/deferred.js';
import { OpenBus, succeeds, until } from '../support/open-bus.js';
import { randomNumbers } from '../support/random.js';
import { describeWith, freePort, type RunningServer, startForTest } from '../support/servers.js';

/** Milliseconds of a lease that no test outlives. */
const LONG = 60_000;
const SHORT = 100;
const HOUR = 3_600_000;

const addressOf = ({ port }: { readonly port: number }) => `127.0.0.1:${port}`;

async function connectTo(server: RunningServer): Promise<NatsConnection> {
  const connection = await connect({ servers: addressOf(server) });
  closeAfterTest(() => connection.close());
  return connection;
}

async function open(bus: CancelationBus): Promise<ClusterLeases> {
  return (await OpenBus.open(bus)).bus.leases as ClusterLeases;
}

const openAt = (server: RunningServer) => open(natsBus({ servers: addressOf(server) }));

/** Asks JetStream itself. */
async function ask(connection: NatsConnection, what: string, question: object = {}) {
  const { data } = await connection.request(`$JS.API.${what}`, JSON.stringify(question));
  return JSON.parse(new TextDecoder().decode(data)) as {
    readonly config?: Record<string, unknown>;
    readonly state?: { readonly messages: number };
    readonly cluster?: { readonly leader: string };
    readonly error?: unknown;
  };
}

const BUCKET = 'KV_cancelable-leases';

/**
 * Leases over a connection on which something happens just before a question goes out.
 *
 * @param before is told the revision that is to be replaced: 0 for none
 */
async function openWith(
  server: RunningServer,
  before: (subject: string, revision: number) => Promise<void>,
) {
  const connection = await connectTo(server);
  const request: NatsConnection['request'] = async (subject, payload, options) => {
    const revision = options?.headers?.get('Nats-Expected-Last-Subject-Sequence');
    await before(subject, Number(revision ?? 0));
    return connection.request(subject, payload, options);
  };
  return open(natsBus({ connection: Object.assign(Object.create(connection), { request }) }));
}

describeWith(['nats'], 'the leases of natsBus()', () => {
  it('let in one of 200 contenders at a time', async () => {
    const server = await startForTest('nats');
    const buses = await Promise.all(Array.from({ length: 4 }, () => openAt(server)));
    const random = randomNumbers(12);
    let inside = 0;
    let most = 0;
    let entered = 0;
    const contend = async (index: number) => {
      const leases = buses[index % 4] as ClusterLeases;
      while ((await leases.acquire('key', `holder ${index}`, LONG)) !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, 100 * random()));
      }
      most = Math.max(most, ++inside);
      entered++;
      await turn();
      inside--;
      await leases.release('key', `holder ${index}`);
    };
    await Promise.all(Array.from({ length: 200 }, (_, index) => contend(index)));
    expect({ most, entered }).toEqual({ most: 1, entered: 200 });
  });

  it('leave nothing on the server once they are given back', async () => {
    const server = await startForTest('nats');
    const leases = await openAt(server);
    for (let count = 0; count < 20; count++) {
      expect(await leases.acquire(`key ${count}`, 'one', LONG)).toBeUndefined();
      expect(await leases.acquire(`key ${count}`, 'one', LONG)).toBeUndefined();
      await leases.release(`key ${count}`, 'one');
    }
    const { state } = await ask(await connectTo(server), `STREAM.INFO.${BUCKET}`);
    expect(state?.messages).toBe(0);
  });

  it('are not given back by who has lost it just now', async () => {
    const server = await startForTest('nats');
    const other = await openAt(server);
    const one = await openWith(server, async (subject) => {
      // It has read that the key is its own.
      if (subject.includes('.PURGE.')) await other.acquire('key', 'other', LONG, true);
    });
    await one.acquire('key', 'one', LONG);
    await one.release('key', 'one');
    expect(await one.acquire('key', 'third', LONG)).toBe('other');
  });

  it('are not taken over by two that see together that one is over', async () => {
    const server = await startForTest('nats');
    const other = await openAt(server);
    const one = await openWith(server, async (_subject, revision) => {
      // It has read that the lease is over, and is about to replace it.
      if (revision > 0) expect(await other.acquire('key', 'other', LONG)).toBeUndefined();
    });
    await other.acquire('key', 'killed', SHORT);
    let holder: string | undefined = 'killed';
    await until(async () => (holder = await one.acquire('key', 'one', LONG)) !== 'killed');
    expect(holder).toBe('other');
  });

  it('are kept in a bucket of their prefix', async () => {
    const server = await startForTest('nats');
    const servers = addressOf(server);
    const one = await open(natsBus({ servers, prefix: 'reports.eu' }));
    const other = await open(natsBus({ servers, prefix: 'reports_eu' }));
    expect(await one.acquire('key', 'one', LONG)).toBeUndefined();
    expect(await other.acquire('key', 'other', LONG)).toBeUndefined();
    const prefixes = ['a.b', 'a_b', 'a__b', 'a_-b', 'a-b', 'a._b', 'a_.b', 'ab'];
    const buckets = prefixes.map(bucketOf);
    expect(new Set(buckets).size).toBe(prefixes.length);
    for (const bucket of buckets) expect(bucket).toMatch(/^[\w-]+$/);
  });

  it('make their bucket again when it was deleted', async () => {
    const server = await startForTest('nats');
    const leases = await openAt(server);
    await leases.acquire('key', 'one', LONG);
    await ask(await connectTo(server), `STREAM.DELETE.${BUCKET}`);
    await until(succeeds(() => leases.acquire('key', 'other', LONG)));
    expect(await leases.acquire('key', 'one', LONG)).toBe('other');
  });

  it('use a bucket that somebody has made, unless it forgets too soon', async () => {
    const server = await startForTest('nats');
    const connection = await connectTo(server);
    const subjects = ['$KV.cancelable-leases.>'];
    const make = async (max_age: number) => {
      await ask(connection, `STREAM.DELETE.${BUCKET}`);
      const config = { name: BUCKET, subjects, storage: 'file', max_msgs_per_subject: 1, max_age };
      expect((await ask(connection, `STREAM.CREATE.${BUCKET}`, config)).error).toBeUndefined();
    };
    await make(60 * 1e9);
    const asked: string[] = [];
    // Who uses it may have no right to make one.
    const leases = await openWith(server, async (subject) => void asked.push(subject));
    const error = await rejection(leases.acquire('key', 'one', LONG));
    expect(error.message).toContain('its time to live must be at least 48 hours');
    await make(0);
    expect(await leases.acquire('key', 'one', LONG)).toBeUndefined();
    expect(asked.filter((subject) => subject.includes('.CREATE.'))).toEqual([]);
  });

  it('say what is no lease, and leave it', async () => {
    const server = await startForTest('nats');
    const leases = await openAt(server);
    const connection = await connectTo(server);
    const written: string[] = [];
    connection.subscribe('$KV.>', {
      callback: (_error, { subject }) => void written.push(subject),
    });
    await connection.flush();
    await leases.acquire('key', 'one', LONG);
    await until(() => written.length > 0);
    for (const text of ['{"holder":"one"}', '[]', 'text', '']) {
      await connection.request(written[0]!, text);
      const taking = await rejection(leases.acquire('key', 'two', LONG));
      expect(taking.message).toContain('is no lease');
      expect((await rejection(leases.release('key', 'one'))).message).toContain('is no lease');
    }
  });

  it('last for a day at most', async () => {
    const leases = await openAt(await startForTest('nats'));
    expect(await rejection(leases.acquire('key', 'one', 25 * HOUR))).toBeInstanceOf(RangeError);
    expect(await leases.acquire('key', 'one', 24 * HOUR)).toBeUndefined();
  });
});

@Injectable()
class Jobs {
  @Cancelable({ exclusive: { onConflict: 'skip', scope: 'cluster' } })
  async nightly() {
    return 'ran';
  }
}

const start = (port: number, providers: (typeof Jobs)[], leases?: NatsLeaseOptions) => {
  const bus = natsBus({ servers: addressOf({ port }), ...(leases && { leases }) });
  return startContext({ providers }, { cluster: { bus, service: 'reports' } });
};

describeWith(['nats'], 'an application over a NATS that keeps no leases', () => {
  it('does not start with a method that needs one', async () => {
    const { port } = await startForTest('natsWithoutJetStream');
    expect((await rejection(start(port, [Jobs]))).message).toMatch(
      /^@Cancelable\(\) on Jobs\.nightly: exclusive: scope: 'cluster' needs leases: .*JetStream is not enabled: start nats-server with -js/,
    );
  });

  it('starts without one, and fails calls that need one', async () => {
    const { port } = await startForTest('natsWithoutJetStream');
    const { registry } = await start(port, []);
    const call = registry.run(
      { name: 'sync', exclusive: { onConflict: 'skip', scope: 'cluster' } },
      () => 'ran',
    );
    const error = await rejection(call);
    expect(error).toBeInstanceOf(ClusterUnavailable);
    expect(error.message).toContain('JetStream is not enabled');
  });

  it('starts while the server is out of reach, which may have them', async () => {
    const server = await startForTest('nats');
    await server.kill();
    const { app } = await start(server.port, [Jobs]);
    const jobs = app.get(Jobs);
    expect(await rejection(jobs.nightly())).toBeInstanceOf(ClusterUnavailable);
    await server.restart();
    await until(succeeds(() => jobs.nightly()));
  });

  it('does not start for more replicas than there can be', async () => {
    const { port } = await startForTest('nats');
    const refused = await rejection(start(port, [Jobs], { replicas: 3 }));
    expect(refused.message).toContain('leases.replicas: replicas > 1 not supported');
  });
});

/** Three servers of one cluster, by their names. */
async function startCluster(): Promise<Map<string, RunningServer>> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const addresses = ports.map((port) => `nats://127.0.0.1:${port}`);
  const starting = addresses.map(async (address): Promise<[string, RunningServer]> => {
    const own = ['--server_name', address, '--cluster', address];
    const common = ['--cluster_name', 'test', '--routes', addresses.join(',')];
    return [address, await startForTest('nats', ...own, ...common)];
  });
  return new Map(await Promise.all(starting));
}

describeWith(['nats'], 'the leases of natsBus() in a cluster of NATS', () => {
  it('outlive one of three servers, with 3 replicas', async () => {
    const cluster = await startCluster();
    const servers = [...cluster.values()].map(addressOf);
    const create = () => open(natsBus({ servers, leases: { replicas: 3 } }));
    const [one, other] = [await create(), await create()];
    // The servers elect who leads them.
    await until(succeeds(() => one.acquire('key', 'one', LONG)));
    const [first] = cluster.values();
    const info = await ask(await connectTo(first!), `STREAM.INFO.${BUCKET}`);
    expect(info.config?.['num_replicas']).toBe(3);
    await cluster.get(info.cluster!.leader)!.kill();
    await until(succeeds(() => other.acquire('any', 'other', LONG)));
    expect(await other.acquire('key', 'other', LONG)).toBe('one');
  });
});
