import { EventEmitter, once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleepOfNode } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import axios from 'axios';
import got from 'got';
import { type Operation, OperationRegistry } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';

let server: Server;
let url: string;
/** Emits 'request' when a client waits for an answer that never comes. */
const arrivals = new EventEmitter();

beforeAll(async () => {
  server = createServer(() => void arrivals.emit('request'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

type Client = (operation: Operation) => Promise<unknown>;

const overTheNetwork: [string, Client][] = [
  ['fetch', ({ signal }) => fetch(url, { signal })],
  [
    'http.get',
    ({ signal }) =>
      new Promise((resolve, reject) => get(url, { signal }, resolve).on('error', reject)),
  ],
  ['axios', ({ signal }) => axios.get(url, { signal })],
  ['got', ({ signal }) => got(url, { signal, retry: { limit: 0 } })],
];
const local: [string, Client][] = [
  ['timers/promises', ({ signal }) => sleepOfNode(1e8, undefined, { signal })],
  ['events.once', ({ signal }) => once(new EventEmitter(), 'never', { signal })],
  [
    'pipeline',
    ({ signal }) => pipeline(new Readable({ read() {} }), new Writable({ write() {} }), { signal }),
  ],
];

describe.each([
  ...overTheNetwork.map(([name, client]) => [name, client, true] as const),
  ...local.map(([name, client]) => [name, client, false] as const),
])('rule 8: what %s makes of the signal', (_name, client, waitsForServer) => {
  it("surfaces as the operation's own error, with the original below it where there is room", async () => {
    const registry = new OperationRegistry();
    let operation!: Operation;
    let original: any;
    const arrived = waitsForServer ? once(arrivals, 'request') : Promise.resolve();
    const work = registry.run({ name: 'work', settle: 'wait' }, async (own) => {
      operation = own;
      try {
        return await client(own);
      } catch (error) {
        original = error;
        throw error;
      }
    });
    const outcome = rejection(work);
    await arrived;
    expect(operation.cancel({ reason: 'disconnect' })).toBe(true);

    const error = await outcome;
    expect(error).toBe(operation.cancelation);
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'disconnect' }]);
    // There is no room where the original is this error, or has it in its own chain.
    const isEcho = original === error || original.cause === error;
    expect(error.cause).toBe(isEcho ? undefined : original);
  });
});
