import { type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach } from '@jest/globals';
import {
  type INestApplication,
  Module,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  CancelableModule,
  type CancelableModuleOptions,
  OperationRegistry,
} from 'nestjs-cancelable';
import { NestLog } from './nest-log.js';
import { type Observed, observe } from './observe.js';
import { withQuickShutdown } from './quick-shutdown.js';

export type Adapter = 'Express' | 'Fastify';

/** For `describe.each`: every HTTP test runs on both. */
export const adapters: readonly Adapter[] = ['Express', 'Fastify'];

export interface TlsOptions {
  readonly key: string;
  readonly cert: string;
}

export interface HttpAppOptions {
  readonly controllers?: Type[];
  readonly providers?: Provider[];
  readonly imports?: ModuleMetadata['imports'];
  /** What `CancelableModule.forRoot()` gets. */
  readonly cancelable?: CancelableModuleOptions;
  readonly https?: TlsOptions;
  /** Only Fastify has it. */
  readonly http2?: boolean;
  /** `false`: as applications are by default, connections end by themselves. */
  readonly forceClose?: boolean;
  /** Default: a free one. */
  readonly port?: number;
  /** Before the application listens: prefixes, versioning, global filters. */
  configure?(app: INestApplication): void;
}

export interface HttpApp extends Observed {
  readonly app: INestApplication;
  readonly port: number;
  readonly url: string;
  readonly log: NestLog;
  /** The connections as the server sees them, in order. */
  readonly sockets: readonly Socket[];
  /** Resolves once the server has heard that its latest client left. */
  clientLeft(): Promise<void>;
}

const open: INestApplication[] = [];

afterEach(async () => {
  for (const app of open.splice(0)) {
    const server = app.getHttpServer() as { closeAllConnections?(): void };
    server.closeAllConnections?.();
    await app.close();
  }
});

function createAdapter(
  adapter: Adapter,
  options: Pick<HttpAppOptions, 'https' | 'http2' | 'forceClose'>,
): ExpressAdapter | FastifyAdapter {
  if (adapter === 'Express') return new ExpressAdapter();
  return new FastifyAdapter({
    forceCloseConnections: options.forceClose ?? true,
    ...(options.http2 ? { http2: true } : undefined),
    ...(options.https ? { https: options.https } : undefined),
  } as never);
}

/** Starts an application on a port of its own; it is closed after the test. */
export function startHttpApp(adapter: Adapter, options: HttpAppOptions): Promise<HttpApp> {
  @Module({
    imports: [
      CancelableModule.forRoot(withQuickShutdown(options.cancelable)),
      ...(options.imports ?? []),
    ],
    controllers: options.controllers ?? [],
    providers: options.providers ?? [],
  })
  class TestModule {}
  return startHttpModule(adapter, TestModule, options);
}

/** The same for a root module that has all it needs. */
export async function startHttpModule(
  adapter: Adapter,
  module: Type,
  options: Pick<HttpAppOptions, 'https' | 'http2' | 'forceClose' | 'port' | 'configure'> = {},
): Promise<HttpApp> {
  const log = new NestLog();
  const app = await NestFactory.create(module, createAdapter(adapter, options), {
    logger: log,
    abortOnError: false,
    forceCloseConnections: options.forceClose ?? true,
    ...(options.https && adapter === 'Express' ? { httpsOptions: options.https } : undefined),
  });
  open.push(app);
  options.configure?.(app);
  const server = app.getHttpServer() as Server;
  const sockets: Socket[] = [];
  server.on(options.https ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.push(socket);
  });
  await app.listen(options.port ?? 0, '127.0.0.1');
  const { port } = server.address() as AddressInfo;
  const registry = app.get(OperationRegistry);
  return {
    app,
    port,
    url: `${options.https ? 'https' : 'http'}://127.0.0.1:${port}`,
    ...observe(registry),
    log,
    sockets,
    clientLeft: async () => {
      const socket = sockets.at(-1) as Socket;
      if (socket.closed) return;
      await new Promise((resolve) => socket.once('close', resolve));
    },
  };
}
