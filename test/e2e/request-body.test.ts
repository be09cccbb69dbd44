import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Controller, Post, Req } from '@nestjs/common';
import { Cancelable, currentOperation } from 'nestjs-cancelable';
import { adapters, startHttpApp } from '../support/http-app.js';
import { answerOf, send } from '../support/http-client.js';

type AnyRequest = IncomingMessage & { readonly raw?: IncomingMessage };

@Controller()
class UploadController {
  @Post('slow')
  @Cancelable(200)
  async slow(@Req() request: AnyRequest): Promise<void> {
    for await (const _chunk of currentOperation().stream(request.raw ?? request)) continue;
  }

  @Post('first')
  @Cancelable()
  async first(@Req() request: AnyRequest): Promise<{ first: string }> {
    for await (const chunk of currentOperation().stream<Buffer>(request.raw ?? request)) {
      return { first: chunk.toString() };
    }
    return { first: '' };
  }
}

describe.each(adapters)('a request body that the handler reads as a stream, over %s', (adapter) => {
  const start = () =>
    startHttpApp(adapter, {
      controllers: [UploadController],
      configure: (app) => {
        const fastify = app.getHttpAdapter().getInstance() as {
          addContentTypeParser?(type: string, parser: (...args: any[]) => void): void;
        };
        fastify.addContentTypeParser?.('text/x-upload', (_request, _body, done) => done(null));
      },
    });
  const upload = (url: string) =>
    send(url, {
      method: 'POST',
      body: 'begun',
      keepOpen: true,
      headers: { 'content-type': 'text/x-upload' },
    });

  it('is answered 504 when its time is up, although the client still sends', async () => {
    const { url, registry } = await start();
    const answer = await answerOf(upload(`${url}/slow`));
    expect(answer.status).toBe(504);
    expect(answer.json()).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'timeout' }]);
  });

  it('may be answered before it was read to its end', async () => {
    const { url } = await start();
    const answer = await answerOf(upload(`${url}/first`));
    expect(answer).toMatchObject({ status: 201, text: '{"first":"begun"}' });
  });
});
