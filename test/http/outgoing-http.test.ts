import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { CancelationError, Operation, OperationRegistry } from 'nestjs-cancelable';
import { outgoingHttp } from 'nestjs-cancelable/http';
import { startContext } from '../support/app-context.js';
import { deferred, rejection } from '../support/deferred.js';
import { clients, uploaders } from './clients.js';
import { startSilentServer, startUpstream, type Upstream } from './upstream.js';

async function start() {
  const options = { extensions: [outgoingHttp()], shutdown: { cleanup: '10s' } };
  return (await startContext({}, options)).registry;
}

/** undici goes on connecting for its pool, for as long as it would have waited. */
const KEEPS_CONNECTING = /fetch of|fetch with|fetch that|undici|ky/;

/** Cancels an operation once the other side has heard of what it does. */
async function cancelOnceSeen(
  registry: OperationRegistry,
  upstream: Upstream,
  body: (operation: Operation) => Promise<unknown>,
  { leaves = true } = {},
) {
  let operation!: Operation;
  const next = upstream.next();
  const work = registry.run({ name: 'work', settle: 'wait' }, (own) => {
    operation = own;
    return body(own);
  });
  const failed = rejection(work);
  const seen = await next;
  operation.cancel({ message: 'enough' });
  const error = (await failed) as CancelationError;
  if (leaves) await seen.left;
  expect(error).toBe(operation.cancelation);
  expect(error.message).toBe('enough');
  return error;
}

describe.each(Object.entries(clients))('a request of %s', (name, client) => {
  it('is interrupted while it waits for an answer', async () => {
    const registry = await start();
    const upstream = await startUpstream();
    const error = await cancelOnceSeen(registry, upstream, () => client(`${upstream.url}/hang`));
    expect(error.cause).toHaveProperty('stack');
    expect(upstream.seen).toHaveLength(1);
  });

  it('is interrupted while it reads the answer', async () => {
    const registry = await start();
    const upstream = await startUpstream();
    const error = await cancelOnceSeen(registry, upstream, () => client(`${upstream.url}/dribble`));
    expect(error.cause).toHaveProperty('stack');
    expect(upstream.seen).toHaveLength(1);
  });

  it('is interrupted while it connects', async () => {
    const registry = await start();
    const silent = await startSilentServer();
    const url = `https://127.0.0.1:${silent.port}/`;
    await cancelOnceSeen(registry, silent, () => client(url), {
      leaves: !KEEPS_CONNECTING.test(name),
    });
  });

  it('is not made in an operation that is canceled', async () => {
    const registry = await start();
    const upstream = await startUpstream();
    const work = registry.run({ name: 'work', settle: 'wait' }, async (operation) => {
      operation.cancel();
      return client(upstream.url);
    });
    expect(await rejection(work)).toMatchObject({ reason: 'manual' });
    expect(await client(`${upstream.url}/after`)).toContain('host');
    expect(upstream.seen.map(({ url }) => url)).toEqual(['/after']);
  });

  it('goes on in a shield, in a cleanup, and outside of the operation', async () => {
    const registry = await start();
    const upstream = await startUpstream();
    const texts: string[] = [];
    const cleanedUp = deferred();
    const work = registry.run({ name: 'work', settle: 'wait' }, async (operation) => {
      operation.defer(async () => {
        texts.push(await client(`${upstream.url}/cleanup`));
        cleanedUp.resolve();
      });
      return operation.shield(async () => {
        operation.cancel();
        texts.push(await client(`${upstream.url}/shield`));
      });
    });
    await work;
    await cleanedUp.promise;
    texts.push(await client(`${upstream.url}/outside`));
    expect(texts).toHaveLength(3);
    expect(upstream.seen.map(({ url }) => url)).toEqual(['/shield', '/cleanup', '/outside']);
  });
});

describe.each(Object.entries(uploaders))('an upload of %s', (_, upload) => {
  it('is interrupted while it sends', async () => {
    const registry = await start();
    const upstream = await startUpstream();
    const body = new PassThrough();
    body.write('the first part');
    await cancelOnceSeen(registry, upstream, () => upload(`${upstream.url}/hang`, body));
    expect(body.destroyed || body.writableNeedDrain || !body.readableFlowing).toBe(true);
  });
});
