import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

/**
 * A connection to Redis that no library has a part in: what tests look at the server with. It has
 * one command in flight at a time, and understands simple replies only.
 */
export class Observer {
  private constructor(private readonly socket: Socket) {}

  static async connect(port: number): Promise<Observer> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    return new Observer(socket);
  }

  private last: Promise<unknown> = Promise.resolve();

  send(...words: string[]): Promise<any> {
    const sent = this.last.then(() => this.exchange(words));
    this.last = sent.catch(() => {});
    return sent;
  }

  private async exchange(words: string[]): Promise<unknown> {
    this.socket.write(
      `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
    );
    let text = '';
    for (;;) {
      const [chunk] = (await once(this.socket, 'data')) as [string];
      text += chunk;
      const reply = parse(text, 0);
      if (reply !== undefined) return reply.value;
    }
  }

  close(): void {
    this.socket.destroy();
  }

  /** The lines of `CLIENT LIST`, as objects. */
  async clients(): Promise<Record<string, string>[]> {
    const list: string = await this.send('CLIENT', 'LIST');
    return list
      .trim()
      .split('\n')
      .map((line) => Object.fromEntries(line.split(' ').map((pair) => pair.split(/=(.*)/s))));
  }

  /** Resolves when so many clients are blocked. */
  async blocked(count = 1): Promise<void> {
    for (;;) {
      const clients = await this.clients();
      if (clients.filter(({ flags }) => flags!.includes('b')).length === count) return;
    }
  }

  /** How often the server has executed a command. */
  async calls(command: string): Promise<number> {
    const stats: string = await this.send('INFO', 'commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }
}

interface Reply {
  readonly value: unknown;
  readonly end: number;
}

function parse(text: string, start: number): Reply | undefined {
  const line = text.indexOf('\r\n', start);
  if (line < 0) return undefined;
  const rest = text.slice(start + 1, line);
  const end = line + 2;
  switch (text[start]) {
    case '+':
      return { value: rest, end };
    case '-':
      return { value: new Error(rest), end };
    case ':':
      return { value: Number(rest), end };
    case '$': {
      const length = Number(rest);
      if (length < 0) return { value: null, end };
      if (text.length < end + length + 2) return undefined;
      return { value: text.slice(end, end + length), end: end + length + 2 };
    }
    default: {
      const items: unknown[] = [];
      let next = end;
      for (let count = Number(rest); count > 0; count--) {
        const item = parse(text, next);
        if (item === undefined) return undefined;
        items.push(item.value);
        next = item.end;
      }
      return { value: items, end: next };
    }
  }
}
