import { HttpService } from '@nestjs/axios';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import axios from 'axios';
import { Cancelable } from 'nestjs-cancelable';
import { outgoingHttp } from 'nestjs-cancelable/http';
import OpenAI from 'openai';
import { lastValueFrom, map } from 'rxjs';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';
import { startModel } from './model.js';
import { startUpstream } from './upstream.js';

let target = '';

/** Knows nothing of cancelation. */
@Injectable()
class RatesService {
  private readonly http = new HttpService(axios);

  async fetched(): Promise<string> {
    return (await fetch(`${target}/hang`)).text();
  }

  observed() {
    return this.http.get<string>(`${target}/hang`).pipe(map(({ data }) => data));
  }

  async streamed(): Promise<string> {
    const { data } = await axios.get<AsyncIterable<Buffer>>(`${target}/dribble`, {
      responseType: 'stream',
    });
    let text = '';
    for await (const chunk of data) text += chunk.toString();
    return text;
  }
}

@Controller()
class RatesController {
  constructor(private readonly rates: RatesService) {}

  @Get('undecorated')
  undecorated() {
    return this.rates.fetched();
  }

  @Get('fetched')
  @Cancelable()
  fetched() {
    return this.rates.fetched();
  }

  @Get('observed')
  @Cancelable()
  observed() {
    return this.rates.observed();
  }

  @Get('awaited')
  @Cancelable()
  awaited() {
    return lastValueFrom(this.rates.observed());
  }

  @Get('streamed')
  @Cancelable()
  streamed() {
    return this.rates.streamed();
  }

  @Get('slow')
  @Cancelable('20ms')
  slow() {
    return this.rates.fetched();
  }
}

describe.each(adapters)('a client that leaves, on %s', (adapter) => {
  const start = async () => {
    const upstream = await startUpstream();
    target = upstream.url;
    const app = await startHttpApp(adapter, {
      controllers: [RatesController],
      providers: [RatesService],
      cancelable: { extensions: [outgoingHttp()] },
    });
    return { app, upstream };
  };

  it.each(['undecorated', 'fetched', 'observed', 'awaited', 'streamed'])(
    'takes the outgoing request along: %s',
    async (path) => {
      const { app, upstream } = await start();
      const next = upstream.next();
      const request = send(`${app.url}/${path}`);
      const seen = await next;
      request.destroy();
      await seen.left;
      await app.registry.whenIdle();
      expect(app.registry.history()[0]).toMatchObject({ status: 'canceled', reason: 'disconnect' });
      expect([...app.log.find('error'), ...app.log.find('warn')]).toEqual([]);
    },
  );

  it('is answered 504 when the time is up, and the outgoing request is over', async () => {
    const { app, upstream } = await start();
    const next = upstream.next();
    expect(await get(`${app.url}/slow`)).toMatchObject({ status: 504 });
    await (
      await next
    ).left;
  });
});

describe.each(adapters)("a model's answer that nobody reads any more, on %s", (adapter) => {
  it('is no longer produced, with no signal passed to the openai client', async () => {
    const model = await startModel(10_000);
    const client = new OpenAI({ apiKey: 'none', baseURL: model.url });
    const heard = deferred();

    @Controller()
    class ChatController {
      @Get('chat')
      @Cancelable()
      async chat(): Promise<string> {
        let text = '';
        const stream = await client.chat.completions.create({
          model: 'm',
          messages: [{ role: 'user', content: 'tell me' }],
          stream: true,
        });
        for await (const { choices } of stream) {
          text += choices[0]?.delta.content ?? '';
          if (text.includes('t5 ')) heard.resolve();
        }
        return text;
      }
    }

    const app = await startHttpApp(adapter, {
      controllers: [ChatController],
      cancelable: { extensions: [outgoingHttp()] },
    });
    const begun = model.next();
    const request = send(`${app.url}/chat`);
    await heard.promise;
    request.destroy();
    const answer = await begun;
    await answer.left;
    await app.registry.whenIdle();
    // The first few were read; of ten thousand, nearly all never came to be.
    expect(model.tokens - answer.produced).toBeGreaterThan(8_000);
    expect(app.registry.history()[0]).toMatchObject({ reason: 'disconnect' });
  });
});
