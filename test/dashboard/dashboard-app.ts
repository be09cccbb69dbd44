import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { OperationRegistry } from 'nestjs-cancelable';
import { CancelableDashboardModule, type DashboardOptions } from 'nestjs-cancelable/dashboard';
import {
  type Adapter,
  type HttpApp,
  type HttpAppOptions,
  startHttpApp,
} from '../support/http-app.js';
import { get, type HttpAnswer, OpenAnswer, send } from '../support/http-client.js';

/** Lets in who says a name, and nobody else. */
export class NameGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Record<string, any>>();
    const name: unknown = request['headers']['x-name'];
    if (typeof name !== 'string') return false;
    request['user'] = { id: name };
    return true;
  }
}

type Headers = Readonly<Record<string, string>>;

/** Somebody who asks the dashboard. */
export class Caller {
  constructor(
    readonly base: string,
    private readonly own: Headers = {},
  ) {}

  get(path: string, headers: Headers = {}): Promise<HttpAnswer> {
    return get(this.base + path, { headers: { ...this.own, ...headers } });
  }

  post(path: string, body: object | string, headers: Headers = {}): Promise<HttpAnswer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const sent = { ...this.own, ...headers };
    return get(this.base + path, { method: 'POST', body: text, headers: sent });
  }

  /** The feed, from where the last one stopped. */
  async follow(lastId?: string): Promise<FeedReader> {
    const headers = { ...this.own, ...(lastId !== undefined && { 'last-event-id': lastId }) };
    return new FeedReader(await OpenAnswer.of(send(`${this.base}/api/feed`, { headers })));
  }

  /** The names of the live operations that it sees. */
  async names(query = ''): Promise<string[]> {
    const answer = await this.get(`/api/operations${query}`);
    if (answer.status !== 200) throw new Error(answer.text);
    const { operations } = answer.json();
    return operations.map(({ name }: { name: string }) => name);
  }
}

export interface FeedEvent {
  readonly event: string;
  readonly id: string;
  readonly data: any;
}

/** What the feed has said. */
export class FeedReader {
  constructor(readonly answer: OpenAnswer) {}

  get events(): FeedEvent[] {
    const parts = this.answer.received.split('\n\n');
    return parts
      .slice(0, -1)
      .filter((part) => !part.startsWith(':'))
      .map((part) => {
        const lines = part.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]);
        const fields = Object.fromEntries(lines) as Record<string, string>;
        return {
          event: fields['event'] ?? '',
          id: fields['id'] ?? '',
          data: JSON.parse(fields['data'] ?? 'null'),
        };
      });
  }

  /** The operations it has told of, in order. */
  get operations(): any[] {
    return this.events.flatMap(({ data }) => data.operations ?? []);
  }

  until(text: string): Promise<void> {
    return this.answer.until(text);
  }

  leave(): void {
    this.answer.response.destroy();
  }
}

export interface DashboardApp extends HttpApp {
  /** Somebody without a name. */
  readonly caller: Caller;
  as(name: string): Caller;
}

/** How many listen to what a registry tells of one type of event. */
export function listenersOf(registry: OperationRegistry): number {
  const { events } = OperationRegistry.liveOf(registry);
  const { audiences } = events as unknown as {
    audiences: Record<string, { listeners: Set<unknown> }>;
  };
  return audiences['started']?.listeners.size ?? NaN;
}

export const OPEN: DashboardOptions = { allowAnonymous: true, canCancel: () => true };

/** An application with a dashboard at `/operations`; open to all, unless the options say more. */
export async function startDashboard(
  adapter: Adapter,
  options: DashboardOptions = OPEN,
  app: HttpAppOptions = {},
  path = '/operations',
): Promise<DashboardApp> {
  const dashboard = CancelableDashboardModule.forRoot(options);
  const imports = [dashboard, ...(app.imports ?? [])];
  const started = await startHttpApp(adapter, { ...app, imports });
  const base = started.url + path;
  return {
    ...started,
    caller: new Caller(base),
    as: (name) => new Caller(base, { 'x-name': name }),
  };
}
