import { describe, expect, it } from '@jest/globals';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { Cancelable, CancelationToken, CancelToken } from 'nestjs-cancelable';
import { adapters, startHttpApp } from '../support/http-app.js';
import { post, send } from '../support/http-client.js';

@Controller('reports')
class ReportsController {
  @Post(':city')
  @Cancelable()
  async build(
    @Param('city') city: string,
    @Body() body: unknown,
    @CancelToken() token: CancelationToken,
  ) {
    if (city === 'slow') await token.sleep('1h');
    return { city, body };
  }
}

/** Facts about the client, as an application would write them. */
const cancelable = {
  request: (context: { switchToHttp(): { getRequest(): any } }) => {
    const { headers, ip } = context.switchToHttp().getRequest();
    return { metadata: { agent: headers['user-agent'], ip } };
  },
};

describe.each(adapters)('row 34: a request is an operation, over %s', (adapter) => {
  it('is named by method and path, knows its client, and leaves the body to the handler', async () => {
    const { url, registry } = await startHttpApp(adapter, {
      controllers: [ReportsController],
      cancelable,
    });
    const body = { rows: Array.from({ length: 2_000 }, (_, row) => row) };
    const answer = await post(`${url}/reports/Paris`, body, {
      headers: { 'user-agent': 'test/1' },
    });
    expect(answer.json()).toEqual({ city: 'Paris', body });
    expect(registry.history()).toMatchObject([
      {
        name: 'POST /reports/:city',
        kind: 'http',
        status: 'completed',
        metadata: { agent: 'test/1', ip: '127.0.0.1' },
      },
    ]);
  });

  it('is canceled with disconnect, not with signal, when the client leaves', async () => {
    const { url, next } = await startHttpApp(adapter, {
      controllers: [ReportsController],
      cancelable,
    });
    const started = next('started');
    const canceled = next('canceled');
    const request = send(`${url}/reports/slow`, { method: 'POST', body: '{"rows":[]}' });
    await started;
    request.destroy();
    expect(await canceled).toMatchObject({ name: 'POST /reports/:city', reason: 'disconnect' });
  });
});
