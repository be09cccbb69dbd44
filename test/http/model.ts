import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeAfterTest } from '../support/close-after-test.js';
import { deferred } from '../support/deferred.js';

/** An answer as the model gives it. */
export interface ModelAnswer {
  /** Tokens so far. */
  readonly produced: number;
  /** Resolves when the connection has closed before the answer was complete, with the time of it. */
  readonly left: Promise<number>;
}

/** Answers as a model does, a token at a time, for as long as somebody listens. */
export async function startModel(tokens: number) {
  let next = deferred<ModelAnswer>();
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    next.resolve(produce(response, tokens));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeAfterTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    tokens,
    /** The next answer that is begun; ask before what asks for it. */
    next: () => {
      next = deferred();
      return next.promise;
    },
  };
}

function produce(response: ServerResponse, tokens: number): ModelAnswer {
  let produced = 0;
  let isOpen = true;
  const left = deferred<number>();
  response.once('close', () => {
    isOpen = false;
    if (!response.writableFinished) left.resolve(performance.now());
  });
  const go = async () => {
    for (; isOpen && produced < tokens; produced++) {
      const choices = [{ index: 0, delta: { content: `t${produced} ` } }];
      const chunk = { id: 'a', object: 'chat.completion.chunk', choices };
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    response.end('data: [DONE]\n\n');
  };
  void go();
  return {
    get produced() {
      return produced;
    },
    left: left.promise,
  };
}
