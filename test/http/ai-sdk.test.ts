import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { streamText } from 'ai';
import { Cancelable } from 'nestjs-cancelable';
import { outgoingHttp } from 'nestjs-cancelable/http';
import { deferred, type Deferred, rejection } from '../support/deferred.js';
import { type Adapter, adapters, startHttpApp } from '../support/http-app.js';
import { send } from '../support/http-client.js';
import { startModel } from './model.js';
import { startSilentServer } from './upstream.js';

const TOKENS = 10_000;
const RUNS = 20;

/** Asks a model, with no signal. `reported` is what the SDK gives to `onError`. */
function ask(baseURL: string) {
  const heard: Deferred<void> = deferred();
  const reported: unknown[] = [];
  const result = streamText({
    model: createOpenAICompatible({ name: 'local', baseURL }).chatModel('m'),
    prompt: 'tell me',
    onChunk: ({ chunk }) => {
      if (chunk.type === 'text-delta' && chunk.text.includes('t5 ')) heard.resolve();
    },
    onError: ({ error }) => void reported.push(error),
  });
  return { heard, reported, result };
}

async function textOf(parts: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const part of parts) text += part;
  return text;
}

async function start(adapter: Adapter) {
  const model = await startModel(TOKENS);
  let heard = deferred();

  @Controller()
  class ChatController {
    @Get('chat')
    @Cancelable()
    chat(): Promise<string> {
      const asked = ask(model.url);
      void asked.heard.promise.then(heard.resolve);
      return textOf(asked.result.textStream);
    }
  }

  const app = await startHttpApp(adapter, {
    controllers: [ChatController],
    cancelable: { extensions: [outgoingHttp()] },
  });
  /** A client that leaves once it could have read some tokens. @returns how it went */
  const leave = async () => {
    heard = deferred();
    const begun = model.next();
    const request = send(`${app.url}/chat`);
    await heard.promise;
    const leftAt = performance.now();
    request.destroy();
    const answer = await begun;
    const took = (await answer.left) - leftAt;
    await app.registry.whenIdle();
    return { took, spared: TOKENS - answer.produced };
  };
  return { ...app, model, leave };
}

describe.each(adapters)('the AI SDK, with no signal passed, on %s', (adapter) => {
  it('lets the model stop within 100 ms of the client leaving, at the median', async () => {
    const { registry, leave } = await start(adapter);
    const took: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const left = await leave();
      // The first few were read; of ten thousand, nearly all never came to be.
      expect(left.spared).toBeGreaterThan(8_000);
      took.push(left.took);
    }
    expect(took.sort((a, b) => a - b)[RUNS / 2]).toBeLessThan(100);
    const ended = registry.history();
    expect(ended).toHaveLength(RUNS);
    expect(ended.every(({ reason }) => reason === 'disconnect')).toBe(true);
  });

  it.each<[string, (result: ReturnType<typeof ask>['result']) => PromiseLike<string>]>([
    ['the stream', (result) => textOf(result.textStream)],
    ['the text', (result) => result.text],
  ])('ends %s with an error, and the caller gets that of the operation', async (_, read) => {
    const { registry, model } = await start(adapter);
    const heard = deferred();
    const thrown = deferred<unknown>();
    const outcome = rejection(
      registry.run('chat', async () => {
        const asked = ask(model.url);
        void asked.heard.promise.then(heard.resolve);
        try {
          return await read(asked.result);
        } catch (error) {
          thrown.resolve(error);
          throw error;
        }
      }),
    );
    await heard.promise;
    registry.cancelAll({ name: 'chat' });
    expect(await outcome).toMatchObject({ reason: 'manual' });
    const error = (await thrown.promise) as Error;
    expect(error).toMatchObject({ name: 'AI_APICallError' });
    expect(String(error.cause)).toBe('TypeError: terminated');
  });

  it('reports a request that was not answered yet to onError, and ends the stream', async () => {
    const { registry } = await start(adapter);
    const silent = await startSilentServer();
    const arrived = silent.next();
    let reported: unknown[] = [];
    const text = registry.run({ name: 'chat', settle: 'wait' }, () => {
      const asked = ask(silent.url);
      reported = asked.reported;
      return textOf(asked.result.textStream);
    });
    const request = await arrived;
    registry.cancelAll({ name: 'chat' });
    await request.left;
    expect(await text).toBe('');
    expect(reported.map(String)).toEqual(['TypeError: fetch failed']);
  });
});
