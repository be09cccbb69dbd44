import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Query } from '@nestjs/common';
import {
  Cancelable,
  CancelationToken,
  type CancelationReason,
  CancelToken,
  currentOperation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, RawClient } from '../support/http-client.js';

@Controller()
class ReasonsController {
  constructor(private readonly operations: OperationRegistry) {}

  /** Cancels its own operation, as somebody else would. */
  @Get('own/:reason')
  @Cancelable()
  async own(@Param('reason') reason: CancelationReason) {
    currentOperation().cancel({ reason, message: 'free text', cause: new Error('internal') });
    await new Promise(() => {});
  }

  /** A child is canceled, and its error reaches the boundary. */
  @Get('child/:reason')
  @Cancelable()
  child(@Param('reason') reason: CancelationReason) {
    return this.operations.run('child', (operation) => {
      operation.cancel({ reason });
      return new Promise(() => {});
    });
  }

  /** What is below a lost parent is lost too, and says so with its parent's reason as cause. */
  @Get('grandchild/:reason')
  @Cancelable()
  grandchild(@Param('reason') reason: CancelationReason) {
    return this.operations.run('child', (child) =>
      this.operations.run('grandchild', () => {
        child.cancel({ reason });
        return new Promise(() => {});
      }),
    );
  }

  @Get('token/:reason')
  token(@Param('reason') reason: CancelationReason) {
    const token = new CancelationToken();
    token.cancel({ reason });
    token.throwIfCanceled();
  }

  @Get('id')
  @Cancelable()
  async id(@CancelToken() _token: CancelationToken, @Query('fail') fail?: string) {
    if (fail !== undefined) currentOperation().cancel();
    return { id: currentOperation().id };
  }

  @Get('undecorated')
  async undecorated() {
    return { id: currentOperation().id };
  }
}

const CASES: [CancelationReason, number, string, string][] = [
  ['timeout', 504, 'The operation timed out', 'OPERATION_TIMEOUT'],
  ['manual', 503, 'The operation was canceled', 'OPERATION_MANUAL'],
  ['condition', 503, 'The operation was canceled', 'OPERATION_CONDITION'],
  ['signal', 503, 'The operation was canceled', 'OPERATION_SIGNAL'],
  ['shutdown', 503, 'The server is shutting down', 'OPERATION_SHUTDOWN'],
  ['superseded', 409, 'The operation was superseded by a newer request', 'OPERATION_SUPERSEDED'],
  ['disconnect', 499, 'The client closed the request', 'OPERATION_DISCONNECT'],
  ['parent', 503, 'The operation was canceled', 'OPERATION_PARENT'],
];

const controllers = [ReasonsController];

describe.each(adapters)('answers to a cancelation, over %s', (adapter) => {
  describe.each(['own', 'child', 'grandchild', 'token'])('%s', (path) => {
    it.each(CASES)('%s: %i', async (reason, statusCode, message, code) => {
      const { url } = await startHttpApp(adapter, { controllers });

      const answer = await get(`${url}/${path}/${reason}`);

      expect(answer.status).toBe(statusCode);
      expect(answer.json()).toEqual({ statusCode, message, code });
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
    });
  });

  it('shutdown: asks the client to come back on another connection', async () => {
    const { port } = await startHttpApp(adapter, { controllers });
    const client = await RawClient.connect(port);
    client.write('GET /own/shutdown HTTP/1.1\r\nHost: x\r\n\r\n');

    await new Promise((resolve) => client.socket.on('end', resolve));
    expect(client.received).toMatch(/^HTTP\/1.1 503 /);
    expect(client.received).toMatch(/\r\nretry-after: \d+\r\n/i);
    expect(client.received).toMatch(/\r\nconnection: close\r\n/i);
  });

  it('any other reason: keeps the connection', async () => {
    const { url } = await startHttpApp(adapter, { controllers });

    const { headers } = await get(`${url}/own/manual`, { headers: { connection: 'keep-alive' } });

    expect(headers['retry-after']).toBe('1');
    expect(headers.connection).not.toBe('close');
  });

  it('statusCodes replace the usual ones, by the reason that counts', async () => {
    const { url } = await startHttpApp(adapter, {
      controllers,
      cancelable: { http: { statusCodes: { timeout: 408, manual: 418 } } },
    });

    const timeout = await get(`${url}/grandchild/timeout`);
    expect(timeout.status).toBe(408);
    expect(timeout.json()).toEqual({
      statusCode: 408,
      message: 'The operation timed out',
      code: 'OPERATION_TIMEOUT',
    });
    expect((await get(`${url}/own/manual`)).status).toBe(418);
    expect((await get(`${url}/own/signal`)).status).toBe(503);
  });
});

describe.each(adapters)('idHeader, over %s', (adapter) => {
  it('is absent by default', async () => {
    const { url } = await startHttpApp(adapter, { controllers });

    const answer = await get(`${url}/id`);

    expect(Object.values(answer.headers)).not.toContain(answer.json().id);
  });

  it.each(['id', 'undecorated'])('%s: names the operation', async (path) => {
    const { url } = await startHttpApp(adapter, {
      controllers,
      cancelable: { http: { idHeader: 'X-Operation-Id' } },
    });

    const answer = await get(`${url}/${path}`);

    expect(answer.headers['x-operation-id']).toBe(answer.json().id);
  });

  it('is there when the operation was canceled', async () => {
    const { url, registry } = await startHttpApp(adapter, {
      controllers,
      cancelable: { http: { idHeader: 'X-Operation-Id' } },
    });

    const answer = await get(`${url}/id?fail`);

    expect(answer.status).toBe(503);
    expect(registry.find(answer.headers['x-operation-id'] as string)).toMatchObject({
      status: 'canceled',
      name: 'GET /id',
    });
  });
});
