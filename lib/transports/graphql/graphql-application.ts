import type { IncomingMessage, ServerResponse } from 'node:http';
import { contextStorage } from '../../scope/context-storage.js';
import type { CancelableRuntime } from '../../methods/cancelable-runtime.js';
import type { OpenCalls } from '../open-calls.js';
import { GraphqlRequest, type RequestOrigin } from './graphql-request.js';
import { guardSchema, type Schema } from './guard-schema.js';
import { RequestPlans } from './request-plans.js';

/** Nest's HTTP adapter, as far as it is used here. */
export interface RequestServer {
  getType(): string;
  getInstance<Instance>(): Instance;
  use(middleware: Middleware): unknown;
}

/** A provider as Nest's discovery knows it. */
interface Provider {
  readonly name: unknown;
  readonly instance: unknown;
}

type Middleware = (
  request: IncomingMessage & RequestOrigin,
  response: ServerResponse,
  next: () => void,
) => void;

interface FastifyRequest extends RequestOrigin {
  readonly raw: IncomingMessage;
}
interface FastifyReply {
  readonly raw: ServerResponse;
}
type PreHandler = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

interface Fastify {
  addHook(
    name: 'onRoute',
    hook: (route: { preHandler?: PreHandler | PreHandler[] }) => void,
  ): unknown;
}

/** Installs what an application with resolvers needs beside the interceptor. */
export class GraphqlApplication {
  private readonly plans: RequestPlans;

  private constructor(
    private readonly schemaHosts: readonly { readonly schema: Schema }[],
    private readonly calls: OpenCalls,
    runtime: CancelableRuntime,
  ) {
    this.plans = new RequestPlans(runtime);
  }

  /**
   * Found by the name of Nest's provider, since the package may be absent. There is one for each
   * GraphQLModule.
   */
  static in(
    providers: readonly Provider[],
    calls: OpenCalls,
    runtime: CancelableRuntime,
  ): GraphqlApplication | undefined {
    const hosts = providers
      .filter(({ name, instance }) => name === 'GraphQLSchemaHost' && Boolean(instance))
      .map(({ instance }) => instance as { readonly schema: Schema });
    return hosts.length === 0 ? undefined : new GraphqlApplication(hosts, calls, runtime);
  }

  /**
   * Lets each request run in a context of its own. Comes after the routes of controllers and before
   * those of GraphQL, which its module adds when it starts: only what is served after this passes
   * by here.
   */
  enterRequests(server: RequestServer): void {
    if (server.getType() === 'fastify') {
      server.getInstance<Fastify>().addHook('onRoute', (route) => {
        const { preHandler = [] } = route;
        route.preHandler = [this.enterFastify, ...[preHandler].flat()];
      });
    } else {
      server.use((request, response, next) => this.enter(request, request, response, next));
    }
  }

  private readonly enterFastify: PreHandler = (request, reply, done) =>
    this.enter(request, request.raw, reply.raw, done);

  private enter(
    origin: RequestOrigin,
    request: IncomingMessage,
    response: ServerResponse,
    next: () => void,
  ): void {
    // A WebSocket lasts for many operations, and its response never ends.
    if (request.headers.upgrade !== undefined) return next();
    const { cell } = new GraphqlRequest(this.calls, this.plans, origin, request, response);
    contextStorage.run(cell, next);
  }

  /** The modules have built their schemas, and no request has come yet. */
  guardSchemas(): void {
    for (const host of this.schemaHosts) {
      const schema = schemaOf(host);
      if (schema !== undefined) guardSchema(schema);
    }
  }
}

/** A gateway has no schema of its own, and its host throws when it is asked for one. */
function schemaOf(host: { readonly schema: Schema }): Schema | undefined {
  try {
    return host.schema;
  } catch {
    return undefined;
  }
}
