import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { GraphqlRequest } from '../../lib/transports/graphql/graphql-request.js';
import { RequestPlans } from '../../lib/transports/graphql/request-plans.js';
import { OpenCalls } from '../../lib/transports/open-calls.js';
import { CancelableRuntime } from '../../lib/methods/cancelable-runtime.js';
import { OperationStore } from '../../lib/registry/operation-store.js';
import { readRegistryOptions } from '../../lib/registry/registry-options.js';
import { MemoryLog } from '../support/memory-log.js';
import { get, RawClient } from '../support/http-client.js';
import { deferred } from '../support/deferred.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function start(answers: boolean) {
  const live = new OperationStore(readRegistryOptions({ logger: new MemoryLog() }, 'test'));
  const calls = new OpenCalls(live);
  const plans = new RequestPlans(new CancelableRuntime(live, {}));
  const closed = deferred();
  const arrived = deferred();
  let count = 0;
  const server = createServer((request, response) => {
    const graphql = new GraphqlRequest(calls, plans, {}, request, response);
    expect(calls.list()).toContain(graphql);
    if (request.url === '/used') graphql.cell.resolve();
    request.socket.on('close', () => closed.resolve());
    if (++count === 2) arrived.resolve();
    if (answers) response.end('done');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { calls, plans, live, closed, arrived, port, url: `http://127.0.0.1:${port}` };
}

describe('the requests of GraphQL', () => {
  it.each(['/used', '/unused'])('are forgotten when they are answered: %s', async (path) => {
    const { calls, live, url } = await start(true);
    await get(url + path);
    expect(calls.list()).toEqual([]);
    expect(live.size).toBe(0);
  });

  it('are forgotten when their client leaves, also behind another', async () => {
    const { calls, live, closed, arrived, port } = await start(false);
    const client = await RawClient.connect(port);
    client.write('GET /used HTTP/1.1\r\nHost: x\r\n\r\nGET /used HTTP/1.1\r\nHost: x\r\n\r\n');
    await arrived.promise;
    expect(live.size).toBe(2);
    client.leave();
    await closed.promise;
    expect(calls.list()).toEqual([]);
    expect(live.size).toBe(0);
  });

  it('have at most a hundred names, since a path may hold what a client makes up', async () => {
    const { plans } = await start(true);
    const names = new Set<string>();
    for (let index = 0; index < 1_000; index++) {
      names.add(plans.planFor('POST', `/tenant-${index}/graphql`).name);
    }
    expect(names.size).toBe(101);
    expect(names).toContain('GraphQL');
    expect(plans.planFor('POST', '/tenant-1/graphql').name).toBe('POST /tenant-1/graphql');
  });
});
