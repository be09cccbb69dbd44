import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { adapters } from '../support/http-app.js';
import { get, OpenAnswer, post, send } from '../support/http-client.js';
import { startRecipe } from './support.js';

/** One call of the model: what was asked, and the answer as it is given. */
interface Call {
  readonly messages: readonly { role: string; content: string }[];
  say(word: string): void;
  end(): void;
  readonly closed: Promise<unknown>;
}

describe.each(adapters)('the recipe for an answer of a language model, on %s', (adapter) => {
  let model: Server;
  let calls: Call[];

  beforeEach(async () => {
    calls = [];
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      calls.push({
        messages: JSON.parse(body).messages,
        say: (content) =>
          response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`),
        end: () => response.end('data: [DONE]\n\n'),
        closed: once(response, 'close'),
      });
      model.emit('called');
    };
    model = createServer((request, response) => void answer(request, response));
    model.listen(0, '127.0.0.1');
    await once(model, 'listening');
    process.env['MODEL_URL'] = `http://127.0.0.1:${(model.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    delete process.env['MODEL_URL'];
    model.closeAllConnections();
    model.close();
  });

  /** An answer of which two words were said, and a page that reads it. */
  async function begin() {
    const app = await startRecipe(adapter, 'llm-answer');
    const called = once(model, 'called');
    const { id } = (await post(`${app.url}/answers`, { prompt: 'Tell me' })).json();
    await called;
    const url = `${app.url}/answers/${id}`;
    const page = await OpenAnswer.of(send(`${url}/events`));
    calls[0]?.say('Once ');
    calls[0]?.say('upon ');
    await page.until('"text":"Once upon "');
    return { ...app, page, url };
  }

  it('a stop closes the connection to the model, and keeps the text', async () => {
    const { url, page } = await begin();
    expect((await post(`${url}/stop`, {})).json()).toEqual({ stopped: true });
    await calls[0]?.closed;
    await page.until('event: settled');
    expect(page.received).toContain('"status":"canceled"');
    expect((await get(url)).json()).toEqual({ text: 'Once upon ' });
    expect((await post(`${url}/stop`, {})).json()).toEqual({ stopped: false });
  });

  it('a resume sends the text so far, and goes on from there', async () => {
    const { url, registry } = await begin();
    await post(`${url}/stop`, {});
    await registry.whenIdle({ name: 'answer' });
    const called = once(model, 'called');
    await post(`${url}/resume`, {});
    await called;
    expect(calls[1]?.messages).toEqual([
      { role: 'user', content: 'Tell me' },
      { role: 'assistant', content: 'Once upon ' },
    ]);
    calls[1]?.say('a time.');
    calls[1]?.end();
    await registry.whenIdle({ name: 'answer' });
    expect((await get(url)).json()).toEqual({ text: 'Once upon a time.' });
    expect((await get(`${url}/events`)).text).toContain('"status":"completed"');
  });

  it('an answer that is being given is not given twice', async () => {
    const { url, registry } = await begin();
    await post(`${url}/resume`, {});
    expect(registry.list({ name: 'answer' })).toHaveLength(1);
    calls[0]?.end();
    await registry.whenIdle({ name: 'answer' });
    expect(calls).toHaveLength(1);
  });
});
