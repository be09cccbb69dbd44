import { Logger } from '@nestjs/common';
import type {
  ApplicationConfig,
  DiscoveryService,
  HttpAdapterHost,
  ModuleRef,
  ModulesContainer,
} from '@nestjs/core';
import type { CancelableModuleOptions } from './cancelable-module-options.js';
import { ClusterKeys } from './cluster/cluster-keys.js';
import { type ClusterSettings, readClusterOptions } from './cluster/cluster-options.js';
import { type ClusterNode, expectCluster, joinCluster } from './registry/cluster-node.js';
import { readStreamLimits } from './transports/backpressure.js';
import { CancelableInterceptor } from './transports/cancelable.interceptor.js';
import { EarlyErrorsFilter } from './transports/early-errors.filter.js';
import { GraphqlApplication } from './transports/graphql/graphql-application.js';
import { filterHandlers } from './transports/handler-errors.filter.js';
import { OpenCalls } from './transports/open-calls.js';
import { interceptHandlers } from './transports/rpc/message-handlers.js';
import { prepareTransports } from './transports/transport-table.js';
import { describeError } from './scope/describe-error.js';
import { noop } from './scope/thenable.js';
import { parseDuration } from './scope/duration.js';
import { bare } from './scope/plain-object.js';
import { SafeLog } from './operation/safe-log.js';
import { CancelableRuntime } from './methods/cancelable-runtime.js';
import { DecoratedMethodsExplorer } from './methods/decorated-methods.explorer.js';
import type { CancelableExtensionHost, Uninstall } from './registry/cancelable-extension.js';
import { followHandlers } from './methods/followed-handlers.js';
import { type HandlerMethod, handlersOf } from './methods/handlers.js';
import type { MethodDefinition } from './methods/method-definition.js';
import { quietenScheduler } from './methods/scheduled-jobs.js';
import { OperationStore } from './registry/operation-store.js';
import { OperationRegistry } from './registry/operation-registry.js';
import { readRegistryOptions } from './registry/registry-options.js';
import { Drain, type DrainedTransports } from './shutdown/drain.js';
import { GatewayClients } from './shutdown/gateway-clients.js';
import { HttpServers } from './shutdown/http-shutdown.js';
import { warnOfSharedSignals } from './shutdown/shared-signals.js';
import { readShutdownOptions } from './shutdown/shutdown-options.js';

/**
 * One application: its runtime, registry, open calls and drain, however often the module is
 * imported.
 */
export class CancelableApplication implements DrainedTransports {
  readonly runtime: CancelableRuntime;
  readonly registry: OperationRegistry;
  readonly drain: Drain;
  readonly servers: HttpServers;
  private readonly log = SafeLog.over(new Logger('Cancelable'));
  private isStarted = false;
  /** Installs the application again, when it is started anew. */
  private started:
    { readonly discovery: DiscoveryService; readonly modules: ModuleRef } | undefined;
  private readonly adapters = new WeakSet<object>();
  private handlers: readonly HandlerMethod[] = [];
  private definitions: readonly MethodDefinition[] = [];
  private readonly undo: [string, Uninstall][] = [];
  private readonly calls: OpenCalls;
  private readonly interceptor: CancelableInterceptor;
  private readonly earlyErrors: EarlyErrorsFilter;
  private readonly gateways: GatewayClients;
  private graphql: GraphqlApplication | undefined = undefined;
  private readonly cluster: ClusterSettings | undefined;
  private readonly keys: ClusterKeys | undefined;
  private node: ClusterNode | undefined = undefined;

  constructor(
    readonly options: CancelableModuleOptions,
    config: ApplicationConfig,
    private readonly adapterHost: HttpAdapterHost,
    modules: ModulesContainer,
  ) {
    const {
      history,
      zombies,
      shutdown,
      maxLive,
      maxChildren,
      maxTimeout,
      policies,
      defaultTimeout,
      request,
      http,
    } = options;
    const settings = readRegistryOptions(
      {
        ...pickDefined({ history, zombies, maxLive, maxChildren, maxTimeout }),
        shutdown: pickDefined({ cleanup: shutdown?.cleanup }),
        logger: this.log,
      },
      'CancelableModule.forRoot()',
    );
    const live = new OperationStore(settings);
    this.runtime = new CancelableRuntime(live, policies ?? {});
    this.registry = OperationRegistry.over(live);
    this.cluster = options.cluster && readClusterOptions(options.cluster);
    if (this.cluster !== undefined) expectCluster(live, this.cluster);
    // Before any method is looked at: one that needs them stops the start-up.
    live.clusterKeys = this.keys = this.createKeys(live);
    this.calls = new OpenCalls(live, () => this.reopen());
    const closing = readShutdownOptions(shutdown);
    this.drain = new Drain(this.calls, closing, this, this.log);
    this.gateways = new GatewayClients(config, modules, this.log, () => live.isRefusing);
    this.servers = new HttpServers(adapterHost, this.drain, closing.onNewRequests, () =>
      this.reopen(),
    );
    this.interceptor = new CancelableInterceptor(
      this.runtime,
      {
        timeout:
          defaultTimeout === undefined
            ? undefined
            : parseDuration(defaultTimeout, 'defaultTimeout'),
        request,
        http: http ?? bare({}),
        streams: readStreamLimits(options.streams),
      },
      this.calls,
    );
    config.getGlobalInterceptors().unshift(this.interceptor);
    this.earlyErrors = new EarlyErrorsFilter(config, adapterHost, http ?? {});
  }

  get areServing(): boolean {
    // Without an HTTP server there is null.
    if (this.adapterHost.httpAdapter == null)
      return this.handlers.some(({ kind }) => kind === 'rpc');
    return this.servers.areListening;
  }

  get forceClose(): boolean {
    return this.servers.forceClose;
  }

  disconnect(): Promise<void> {
    return this.gateways.close();
  }

  /**
   * Before any handler can be called: microservices and gateways may listen before the hooks run.
   */
  async prepare(modules: ModulesContainer): Promise<this> {
    this.handlers = [...handlersOf(modules)];
    quietenScheduler(modules);
    const { defaultTimeout, http } = this.options;
    if (defaultTimeout !== undefined || (http?.deadlines?.length ?? 0) > 0) {
      followHandlers(this.handlers);
    }
    this.followMessages();
    await prepareTransports(this.handlers.map(({ kind }) => kind));
    return this;
  }

  /** Covers handlers to which Nest may apply neither global interceptors nor global filters. */
  private followMessages(): void {
    const calls = this.handlers.filter(({ kind }) => kind === 'rpc');
    const messages = this.handlers.filter(({ kind }) => kind === 'ws');
    const undo = [
      interceptHandlers(
        calls.map(({ method }) => method),
        this.interceptor,
      ),
      filterHandlers(
        [...calls, ...messages].map(({ host }) => host),
        this.earlyErrors,
      ),
    ];
    this.undo.push(['the message handlers', () => undo.forEach((step) => step())]);
  }

  /**
   * Each application that a module makes starts here: a `TestingModule` may make several, one after
   * the other or side by side.
   */
  async start(discovery: DiscoveryService, modules: ModuleRef): Promise<void> {
    this.started = { discovery, modules };
    this.servers.opened();
    const isFirst = !this.isStarted;
    if (isFirst) this.activate(discovery, modules);
    this.startGraphql(discovery);
    if (isFirst) await this.install();
  }

  private activate(discovery: DiscoveryService, modules: ModuleRef): void {
    this.isStarted = true;
    if (this.calls.live.phase !== 'open') {
      this.drain.reset();
      this.gateways.open();
      this.followMessages();
    }
    this.runtime.live.injector = (token) => modules.get(token as string, { strict: false });
    const explorer = new DecoratedMethodsExplorer(discovery, this.runtime);
    this.undo.push(['the listeners', explorer.explore()]);
    this.definitions = explorer.definitions;
    this.runtime.activate();
  }

  private async install(): Promise<void> {
    const listeners: (() => void)[] = [];
    this.undo.push(['the listeners of the shutdown', () => listeners.forEach((stop) => stop())]);
    const host: CancelableExtensionHost = {
      registry: this.registry,
      log: this.log,
      onShutdown: (listener) => {
        const stop = this.drain.onBegin(listener);
        listeners.push(stop);
        return stop;
      },
      onClusterCancel: (find) => {
        const stop = this.calls.live.pending.add(find);
        listeners.push(stop);
        return stop;
      },
    };
    this.joinCluster();
    try {
      for (const extension of this.options.extensions ?? []) {
        const uninstall = await extension.install(host);
        if (uninstall !== undefined) this.undo.push([`the extension ${extension.name}`, uninstall]);
      }
      await this.checkLeases();
    } catch (error) {
      // Nest runs no shutdown hooks for an application that did not start.
      await this.takeBack();
      throw error;
    }
  }

  /** `undefined`: there is no bus, or it has no leases. */
  private createKeys(live: OperationStore): ClusterKeys | undefined {
    const { cluster, log, registry } = this;
    const leases = cluster?.bus.leases;
    if (cluster === undefined || leases === undefined) return undefined;
    return new ClusterKeys({
      leases,
      opening: () => this.node?.opened,
      service: cluster.service,
      instance: cluster.instance ?? live.ids.instance,
      lease: cluster.lease,
      log,
      cancel: (id, record) => void registry.cluster.cancel(id, record).catch(noop),
    });
  }

  /** @throws Error for a server that keeps no leases, if a method needs one */
  private async checkLeases(): Promise<void> {
    const { keys, definitions, runtime } = this;
    const needing = definitions.find(
      (each) => each.mergedOptions(runtime).exclusive?.scope === 'cluster',
    );
    if (keys === undefined || needing === undefined) return;
    try {
      await keys.check();
    } catch (error) {
      throw new Error(
        `${needing.where}: exclusive: scope: 'cluster' needs leases: ${describeError(error)}`,
        { cause: error },
      );
    }
  }

  /** The last to be taken back: until then, the others may ask and cancel. */
  private joinCluster(): void {
    const { cluster, keys } = this;
    if (cluster === undefined) return;
    const node = (this.node = joinCluster(this.calls.live, cluster));
    const stop = this.drain.onBegin(() => node.announce());
    this.undo.push([
      'the link to other instances',
      async () => {
        stop();
        await keys?.close();
        await node.leave();
      },
    ]);
  }

  /**
   * It was closed, and serves again, although Nest calls no hook of an application a second time.
   */
  private reopen(): void {
    if (this.started === undefined || this.calls.live.phase !== 'closed') return;
    this.activate(this.started.discovery, this.started.modules);
    this.install().catch((error: unknown) =>
      this.log.error(`An extension could not be installed again: ${describeError(error)}`),
    );
  }

  private startGraphql(discovery: DiscoveryService): void {
    this.graphql = GraphqlApplication.in(discovery.getProviders(), this.calls, this.runtime);
    const { httpAdapter } = this.adapterHost;
    // Without a server there is null.
    if (httpAdapter == null || this.options.http?.onDisconnect === 'ignore') return;
    if (this.adapters.has(httpAdapter)) return;
    this.adapters.add(httpAdapter);
    this.graphql?.enterRequests(httpAdapter);
  }

  /** Every module has started. */
  complete(): void {
    this.graphql?.guardSchemas();
    warnOfSharedSignals(this.definitions, this.runtime, this.log);
  }

  /** One application is closed; another of the same module may go on. */
  async stop(): Promise<void> {
    if (!this.servers.areClosed) return;
    this.calls.live.phase = 'closed';
    await this.takeBack();
    this.calls.live.zombieLog.flush();
  }

  private async takeBack(): Promise<void> {
    this.isStarted = false;
    this.runtime.deactivate();
    for (let step = this.undo.pop(); step !== undefined; step = this.undo.pop()) {
      const [name, undo] = step;
      try {
        await undo();
      } catch (error) {
        this.log.error(`${name} could not be taken back: ${describeError(error)}`);
      }
    }
  }
}

function pickDefined<Values extends object>(
  values: Values,
): { [Key in keyof Values]?: Exclude<Values[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Values;
}
