import type { HttpAdapterHost } from '@nestjs/core';
import type { Drain } from './drain.js';
import { listenForRepeatedSignals } from './repeated-signals.js';
import { ServerConnections } from './server-connections.js';
import type { OnNewRequests } from './shutdown-options.js';

/** What is taken of an adapter; `beforeClose` came with Nest 12. */
interface ClosableAdapter {
  initHttpServer: (this: never, options: unknown) => unknown;
  close: (this: never) => unknown;
  beforeClose?: (this: never) => unknown;
  getHttpServer(): unknown;
  getInstance?<Instance>(): Instance;
}

/**
 * The HTTP servers of the applications that were made of one module: mostly one, but a
 * `TestingModule` makes any number. Drains before the last of them begins to close, which Nest does
 * before it calls any hook, and sees to it that each server then closes in time: a server waits for
 * its connections without a limit.
 */
export class HttpServers {
  private readonly known = new WeakSet<object>();
  private readonly connected = new WeakSet<object>();
  /** Those that serve. */
  private readonly open = new Set<ClosableAdapter>();
  private readonly listening = new Set<ServerConnections>();
  /** Those that asked for a drain; Nest 11 does not ask. */
  private hasAsked = false;
  /** Nest's option, or Fastify's, of the application that was made last. */
  forceClose = false;

  /** @param reopen a server listens although the application was closed before */
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly drain: Drain,
    private readonly onNewRequests: OnNewRequests,
    private readonly reopen: () => void,
  ) {
    this.followHost();
  }

  /** An application has started. */
  opened(): void {
    const adapter = this.current();
    if (adapter === undefined) return;
    this.connect(adapter);
    this.open.add(adapter);
  }

  /** Another application of the same module goes on, so there is nothing to drain for. */
  get isShared(): boolean {
    return this.open.size > (this.hasAsked ? 0 : 1);
  }

  get areListening(): boolean {
    return [...this.listening].some(({ isListening }) => isListening);
  }

  /** None of them goes on. */
  get areClosed(): boolean {
    return this.open.size === 0;
  }

  private current(): ClosableAdapter | undefined {
    // Without a server there is null.
    return (this.host.httpAdapter ?? undefined) as unknown as ClosableAdapter | undefined;
  }

  /** A `TestingModule` tells of each adapter only here, and of its options only to the adapter. */
  private followHost(): void {
    const { host } = this;
    const prototype = Object.getPrototypeOf(host) as object;
    const accessor = Object.getOwnPropertyDescriptor(prototype, 'httpAdapter');
    const first = this.current();
    if (first !== undefined) this.track(first);
    if (accessor?.set === undefined) return;
    Object.defineProperty(host, 'httpAdapter', {
      configurable: true,
      get: () => accessor.get?.call(host) as unknown,
      set: (adapter: unknown) => {
        accessor.set?.call(host, adapter);
        if (typeof adapter === 'object' && adapter !== null) this.track(adapter as ClosableAdapter);
      },
    });
  }

  private track(adapter: ClosableAdapter): void {
    if (this.known.has(adapter)) return;
    this.known.add(adapter);
    const { initHttpServer } = adapter;
    if (typeof initHttpServer !== 'function') return;
    adapter.initHttpServer = (options) => {
      const result = initHttpServer.call(adapter as never, options);
      this.connect(adapter);
      this.forceClose = hasForceClose(options) || hasForceClose(initialConfigOf(adapter));
      return result;
    };
  }

  private connect(adapter: ClosableAdapter): void {
    if (this.connected.has(adapter)) return;
    this.connected.add(adapter);
    const { drain } = this;
    const { close, beforeClose } = adapter;
    const connections = new ServerConnections(adapter.getHttpServer(), () => {
      connections.renew();
      this.listening.add(connections);
      this.open.add(adapter);
      this.reopen();
    });
    drain.onLeave(() => this.listening.has(connections) && connections.drain());
    drain.onBegin(() => this.stopListening(connections));
    let patience: number | undefined;
    adapter.beforeClose = async () => {
      this.hasAsked = true;
      this.open.delete(adapter);
      if (this.isShared) {
        patience = drain.grace;
        connections.drain();
        this.stopListening(connections);
      } else {
        await drain.begin();
      }
      await beforeClose?.call(adapter as never);
    };
    adapter.close = async () => {
      this.open.delete(adapter);
      const { endAll, stop } = connections.endSoon(patience ?? drain.remainingGrace);
      const stopListening = listenForRepeatedSignals(endAll);
      try {
        return await close.call(adapter as never);
      } finally {
        patience = undefined;
        stopListening();
        stop();
        connections.renew();
        this.listening.delete(connections);
      }
    };
  }

  private stopListening(connections: ServerConnections): void {
    if (this.onNewRequests === 'close-listener') connections.stopListening();
  }
}

function hasForceClose(options: unknown): boolean {
  return (
    (options as { forceCloseConnections?: unknown } | undefined)?.forceCloseConnections === true
  );
}

/** What a Fastify was made with. */
function initialConfigOf(adapter: ClosableAdapter): unknown {
  return adapter.getInstance?.<{ initialConfig?: unknown }>().initialConfig;
}
