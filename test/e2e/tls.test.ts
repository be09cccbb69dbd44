import { once } from 'node:events';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Post } from '@nestjs/common';
import { Cancelable, CancelationToken, CancelToken } from 'nestjs-cancelable';
import { adapters, startHttpApp } from '../support/http-app.js';
import { readAnswer } from '../support/http-client.js';
import { localhost } from '../support/tls.js';

@Controller()
class TlsController {
  @Get('wait')
  @Cancelable()
  wait(@CancelToken() token: CancelationToken) {
    return token.sleep('1h');
  }

  @Post('late')
  @Cancelable(200)
  late() {
    return new Promise(() => {});
  }
}

function send(url: string, options: RequestOptions = {}, body?: string): ClientRequest {
  const request = httpsRequest(url, { rejectUnauthorized: false, agent: false, ...options });
  request.on('error', () => {});
  request.end(body);
  return request;
}

describe.each(adapters)('TLS, over %s', (adapter) => {
  it('cancels when the client leaves', async () => {
    const { url, next } = await startHttpApp(adapter, {
      controllers: [TlsController],
      https: localhost,
    });
    const started = next('started');
    const settled = next('settled');
    const request = send(`${url}/wait`);
    await started;

    request.destroy();

    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
  });

  it('answers a timeout to a client that has sent a body', async () => {
    const { url, next } = await startHttpApp(adapter, {
      controllers: [TlsController],
      https: localhost,
    });
    const canceled = next('canceled');
    const headers = { 'content-type': 'application/json' };
    const request = send(`${url}/late`, { method: 'POST', headers }, '{"a":1}');

    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const answer = await readAnswer(response);

    expect(answer.status).toBe(504);
    expect(answer.json()).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    expect(await canceled).toMatchObject({ name: 'POST /late', reason: 'timeout' });
  });
});
