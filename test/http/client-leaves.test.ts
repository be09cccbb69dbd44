import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { HttpService } from '@nestjs/axios';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import axios from 'axios';
import { Cancelable } from 'nestjs-cancelable';
import { outgoingHttp } from 'nestjs-cancelable/http';
import OpenAI from 'openai';
import { lastValueFrom, map } from 'rxjs';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';
import { startUpstream } from './upstream.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

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

/** Answers as a model does, a token at a time, for as long as somebody listens. */
async function startModel(tokens: number) {
  const state = { produced: 0, total: tokens, left: deferred(), started: deferred() };
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    void produce(response);
  });
  async function produce(response: ServerResponse) {
    let isOpen = true;
    response.once('close', () => {
      isOpen = false;
      if (!response.writableFinished) state.left.resolve();
    });
    for (; isOpen && state.produced < tokens; state.produced++) {
      const choices = [{ index: 0, delta: { content: `t${state.produced} ` } }];
      response.write(
        `data: ${JSON.stringify({ id: 'a', object: 'chat.completion.chunk', choices })}\n\n`,
      );
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    response.end('data: [DONE]\n\n');
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { ...state, state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

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
    const request = send(`${app.url}/chat`);
    await heard.promise;
    request.destroy();
    await model.left.promise;
    await app.registry.whenIdle();
    // The first few were read; of ten thousand, nearly all never came to be.
    expect(model.state.produced).toBeLessThan(2_000);
    expect(app.registry.history()[0]).toMatchObject({ reason: 'disconnect' });
  });
});
