import { afterEach } from '@jest/globals';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { deferred, type Deferred } from '../support/deferred.js';
import type { HttpApp } from '../support/http-app.js';

const clients: Client[] = [];
/** Those of the test, as the clients have them. */
export const connections: WebSocket[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose();
  for (const connection of connections.splice(0)) connection.terminate();
});

/** One subscription as a client sees it. */
export class Watcher {
  readonly items: unknown[] = [];
  readonly over: Deferred<unknown> = deferred();
  readonly unsubscribe: () => void;
  private waiting: (() => void) | undefined;

  constructor(client: Client, query: string) {
    this.unsubscribe = client.subscribe(
      { query },
      {
        next: (item) => {
          this.items.push(item);
          this.waiting?.();
        },
        error: (error) => this.over.resolve(error),
        complete: () => this.over.resolve('complete'),
      },
    );
  }

  async until(count: number): Promise<unknown[]> {
    while (this.items.length < count) {
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
    return this.items;
  }
}

export function connect({ port }: HttpApp): Client {
  const client = createClient({
    url: `ws://127.0.0.1:${port}/graphql`,
    webSocketImpl: class extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        connections.push(this);
      }
    },
    retryAttempts: 0,
  });
  clients.push(client);
  return client;
}
