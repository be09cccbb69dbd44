import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { contextStorage } from '../scope/context-storage.js';
import { describeError, stackOf } from '../scope/describe-error.js';
import type { OperationLog } from '../operation/operation-log.js';
import { isThenable, noop } from '../scope/thenable.js';
import { ArrivingCell } from './arriving-cell.js';

const IS_GATEWAY = 'websockets:is_gateway';
/** A client of ws that does not answer the close is cut off then, in milliseconds. */
const CUT_AFTER = 1_000;
/** The close code of a server that goes away. */
const GOING_AWAY = 1001;

/** Nest's WebSocketAdapter, as far as it is used here. */
interface SocketAdapter {
  bindClientConnect: (this: never, server: unknown, listener: Listener) => unknown;
  bindClientDisconnect?: (this: never, client: Client, listener: Listener) => unknown;
  bindMessageHandlers?: (
    this: never,
    client: unknown,
    handlers: never,
    ...rest: unknown[]
  ) => unknown;
}
interface MessageHandler {
  readonly callback: Listener;
}
type Listener = (...args: unknown[]) => unknown;

/** The ways to end a client: `disconnect` of socket.io, the others of ws. */
interface Client {
  disconnect?(close: boolean): unknown;
  close?(code: number, reason: string): unknown;
  terminate?(): unknown;
}

interface Gateway {
  handleDisconnect?: Listener;
}

/**
 * The clients of an application's gateways. Nest closes their sockets only after every module's
 * hooks, and does not wait for what `handleDisconnect()` returns: it would find its pools closed.
 */
export class GatewayClients {
  private readonly adapters = new WeakSet<object>();
  private readonly gateways = new WeakSet<object>();
  private readonly clients = new Set<Client>();
  private readonly disconnecting = new Set<PromiseLike<unknown>>();
  private isClosed = false;

  /** Nest asks for its adapter before it looks at any gateway, when all of them have been made. */
  constructor(
    config: ApplicationConfig,
    modules: ModulesContainer,
    private readonly log: OperationLog,
    private readonly isDraining: () => boolean,
  ) {
    const getIoAdapter = config.getIoAdapter.bind(config) as () => SocketAdapter | undefined;
    config.getIoAdapter = () => {
      const adapter = getIoAdapter();
      if (adapter != null && !this.adapters.has(adapter)) {
        this.adapters.add(adapter);
        this.followAdapter(adapter);
      }
      this.followGateways(modules);
      return adapter as never;
    };
  }

  /** Nobody is connected, and nothing is left to wait for. */
  get areGone(): boolean {
    return this.clients.size === 0 && this.disconnecting.size === 0;
  }

  /** Clients are welcome again. */
  open(): void {
    this.isClosed = false;
  }

  /**
   * Disconnects all clients, and turns those away that come later.
   *
   * @returns when all are gone, and what their gateways did about it has ended
   */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const client of this.clients) disconnect(client);
    const cut = setTimeout(() => {
      for (const client of this.clients) client.terminate?.();
    }, CUT_AFTER);
    cut.unref();
    while (!this.areGone) {
      await (this.disconnecting.size > 0
        ? Promise.allSettled(this.disconnecting)
        : new Promise<void>((resolve) => (this.onChange = resolve)));
    }
    clearTimeout(cut);
  }

  private onChange: () => void = noop;

  private followAdapter(adapter: SocketAdapter): void {
    const { bindClientConnect, bindClientDisconnect, bindMessageHandlers } = adapter;
    adapter.bindClientConnect = (server, listener) =>
      bindClientConnect.call(adapter as never, server, (...args) => {
        const [client] = args as [Client];
        if (this.isClosed) return disconnect(client);
        // Without a way to hear that it left, nobody waits for it.
        if (bindClientDisconnect !== undefined) this.clients.add(client);
        return listener(...args);
      });
    if (bindMessageHandlers !== undefined) {
      adapter.bindMessageHandlers = (client, handlers, ...rest) => {
        const arriving = (handlers as MessageHandler[]).map((each) => ({
          ...each,
          callback: this.letIn(each.callback),
        }));
        return bindMessageHandlers.call(adapter as never, client, arriving as never, ...rest);
      };
    }
    if (bindClientDisconnect === undefined) return;
    adapter.bindClientDisconnect = (client, listener) => {
      const left: Listener = (...args) => {
        this.clients.delete(client);
        try {
          return arrive(listener, args);
        } finally {
          this.onChange();
        }
      };
      return bindClientDisconnect.call(adapter as never, client, left);
    };
  }

  /** The guards of a message may call what is decorated while the application drains. */
  private letIn(callback: Listener): Listener {
    return (...args) => (this.isDraining() ? arrive(callback, args) : callback(...args));
  }

  private followGateways(modules: ModulesContainer): void {
    for (const { providers } of modules.values()) {
      for (const { metatype, instance } of providers.values()) {
        if (typeof metatype !== 'function' || !Reflect.hasMetadata(IS_GATEWAY, metatype)) continue;
        if (typeof instance === 'object' && instance !== null) {
          this.followGateway(instance, metatype.name);
        }
      }
    }
  }

  private followGateway(gateway: Gateway, name: string): void {
    const { handleDisconnect } = gateway;
    if (typeof handleDisconnect !== 'function' || this.gateways.has(gateway)) return;
    this.gateways.add(gateway);
    Object.defineProperty(gateway, 'handleDisconnect', {
      configurable: true,
      writable: true,
      value: (...args: unknown[]): unknown => {
        const result = handleDisconnect.apply(gateway, args);
        if (isThenable(result)) this.await(result, name);
        return result;
      },
    });
  }

  private await(result: PromiseLike<unknown>, name: string): void {
    this.disconnecting.add(result);
    const over = () => {
      this.disconnecting.delete(result);
      this.onChange();
    };
    result.then(over, (error: unknown) => {
      this.log.error(`${name}.handleDisconnect() failed: ${describeError(error)}`, stackOf(error));
      over();
    });
  }
}

/** While the application drains, too, it may call what is decorated. */
function arrive(listener: Listener, args: unknown[]): unknown {
  return contextStorage.run(new ArrivingCell(), () => listener(...args));
}

function disconnect(client: Client): void {
  if (typeof client.disconnect === 'function') client.disconnect(true);
  else client.close?.(GOING_AWAY, 'The server is shutting down');
}
