import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connect } from 'node:net';
import { createConnection } from 'mysql2';
import type { Connection } from 'mysql2/promise';
import { deferred, isPending, rejection, turn } from '../support/deferred.js';
import { startKilling } from './harness.js';
import { ScriptedServer } from './scripted-server.js';

describe('mysql(): a KILL', () => {
  let server: ScriptedServer;
  let connection: Connection;

  beforeEach(async () => {
    server = await ScriptedServer.start();
    const made = createConnection({ host: '127.0.0.1', port: server.port, user: 'root' });
    made.on('error', () => {});
    connection = made.promise();
    await connection.connect();
  });
  afterEach(async () => {
    jest.useRealTimers();
    connection.destroy();
    await server.stop();
  });

  const begun = async () => {
    const { registry, log } = await startKilling();
    const operation = registry.spawn({ name: 'report', settle: 'wait' }, () =>
      connection.query('SELECT WAIT'),
    );
    operation.result.catch(() => {});
    await server.hears('SELECT WAIT');
    return { operation, log };
  };

  it('that comes too late hits no other query', async () => {
    const { operation } = await begun();
    server.onKill = (peer, answer) => {
      server.answer(peer!);
      peer!.isHit = true;
      answer();
    };
    const innocent = connection.query('SELECT 1');
    operation.cancel();
    const error = await rejection(operation.result);
    expect(error).toBe(operation.cancelation);
    expect(error.cause).toMatchObject({ name: 'AbortError' });
    await innocent;
    expect(server.heard.filter((line) => line.startsWith('1: '))).toEqual([
      '1: SELECT WAIT',
      '1: DO 0',
      '1: SELECT 1',
    ]);
  });

  it('is answered before the query settles, and before anything else is sent', async () => {
    const { operation } = await begun();
    const answered = deferred<() => void>();
    server.onKill = (peer, answer) => {
      server.fail(peer!);
      answered.resolve(answer);
    };
    const innocent = connection.query('SELECT 1');
    operation.cancel();
    const answer = await answered.promise;
    for (let count = 0; count < 50; count++) await turn();
    expect(await isPending(operation.result)).toBe(true);
    expect(server.heard.filter((line) => line.startsWith('1: '))).toEqual(['1: SELECT WAIT']);
    answer();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    await innocent;
  });

  it('that comes before its query is sent again', async () => {
    const { operation } = await begun();
    let kills = 0;
    server.onKill = (peer, answer) => {
      if (++kills === 3) server.fail(peer!);
      answer();
    };
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect(kills).toBe(3);
  });

  it('is not sent when the query has ended meanwhile', async () => {
    const { registry } = await startKilling();
    const seen = deferred<unknown>();
    const operation = registry.spawn({ name: 'report', settle: 'wait' }, async () => {
      seen.resolve(await connection.query('SELECT WAIT').catch((error: unknown) => error));
    });
    await server.hears('SELECT WAIT');
    operation.cancel();
    server.answer(server.peers.get(1)!);
    expect(await seen.promise).toMatchObject([{ affectedRows: 0 }, undefined]);
    await connection.query('SELECT 1');
    expect(server.heard).toEqual(['1: SELECT WAIT', '1: SELECT 1']);
  });

  it('that is never answered closes the connection, and says so', async () => {
    const { operation, log } = await begun();
    const killed = deferred();
    server.onKill = (peer) => {
      server.fail(peer!);
      killed.resolve();
    };
    const innocent = rejection(connection.query('SELECT 1'));
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    operation.cancel();
    await killed.promise;
    await turn();
    jest.advanceTimersByTime(5_000);
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    const [line] = log.find('warn', 'A query of report could not be killed');
    expect(line).toContain('no answer within 5000 ms');
    expect(await innocent).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' });
    expect(server.heard.filter((line) => line.startsWith('1: '))).toEqual(['1: SELECT WAIT']);
  });

  it('that has no effect for five seconds closes the connection, and says so', async () => {
    const { operation, log } = await begun();
    server.onKill = (_peer, answer) => answer();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    operation.cancel();
    const over = rejection(operation.result);
    await server.hears('KILL');
    while (await isPending(over)) {
      await turn();
      jest.advanceTimersByTime(50);
    }
    expect(await over).toBe(operation.cancelation);
    expect(log.find('warn', 'it still ran 5000 ms later')).toHaveLength(1);
  });

  it('is not sent to another server', async () => {
    const other = await ScriptedServer.start();
    // The same thread is there, and belongs to somebody else.
    const innocent = createConnection({ host: '127.0.0.1', port: other.port }).promise();
    await innocent.connect();
    const { operation, log } = await begun();
    const raw = (connection as any).connection;
    raw.config.stream = () => connect(other.port, '127.0.0.1');
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect(log.find('warn', 'another server')).toHaveLength(1);
    expect(other.heard.filter((line) => line.includes('KILL'))).toEqual([]);
    innocent.destroy();
    await other.stop();
  });
});
