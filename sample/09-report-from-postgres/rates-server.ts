import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OnApplicationShutdown } from '@nestjs/common';

/** What a dollar is worth. */
const RATES = {
  AUD: 1.52,
  BRL: 5.33,
  CAD: 1.4,
  CHF: 0.8,
  CNY: 7.11,
  EUR: 0.86,
  GBP: 0.76,
  INR: 88.7,
  JPY: 154,
  MXN: 18.4,
};

/** A request that is not answered to its end. */
export interface OpenRequest {
  readonly since: number;
  lines: number;
}

/** Another company's service: slow, and it counts for itself who is connected. */
export class RatesServer implements OnApplicationShutdown {
  readonly open = new Set<OpenRequest>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {
    server.on('request', (request, response) => this.answer(request, response));
  }

  static async start(): Promise<RatesServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return new RatesServer(server, `http://127.0.0.1:${port}`);
  }

  async onApplicationShutdown(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  /** A line for each currency, spread over the seconds that the request names. */
  private answer(request: IncomingMessage, response: ServerResponse): void {
    const seconds = Number(new URL(request.url!, this.url).searchParams.get('seconds'));
    const lines = Object.entries(RATES).map(([currency, rate]) => `${currency} ${rate}\n`);
    const here: OpenRequest = { since: Date.now(), lines: 0 };
    this.open.add(here);
    const timer = setInterval(
      () => {
        response.write(lines[here.lines++]);
        if (here.lines === lines.length) response.end();
      },
      (seconds * 1_000) / lines.length,
    );
    // Of an answer that is complete, too.
    response.once('close', () => {
      clearInterval(timer);
      this.open.delete(here);
    });
    response.writeHead(200, { 'Content-Type': 'text/plain' }).flushHeaders();
  }
}
