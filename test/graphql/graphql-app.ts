import { jest } from '@jest/globals';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule } from '@nestjs/graphql';
import type { MercuriusDriverConfig } from '@nestjs/mercurius';
import type { ExceptionFilter, Provider } from '@nestjs/common';
import type { CancelableModuleOptions } from 'nestjs-cancelable';
import { type Adapter, type HttpApp, startHttpApp } from '../support/http-app.js';
import { post, send } from '../support/http-client.js';

// Serves Mercurius' page for browsers, and requires an ES module, which jest cannot before Node 24.
jest.mock('@fastify/static', () => () => {});
const { MercuriusDriver } = await import('@nestjs/mercurius');

export type Server = 'Apollo on Express' | 'Apollo on Fastify' | 'Mercurius';

/** For `describe.each`. */
export const servers: readonly Server[] = ['Apollo on Express', 'Apollo on Fastify', 'Mercurius'];

export interface GraphqlAppOptions {
  readonly providers: Provider[];
  readonly cancelable?: CancelableModuleOptions;
  readonly filter?: ExceptionFilter;
  readonly enhancers?: ('guards' | 'interceptors' | 'filters')[];
}

export async function startGraphqlApp(
  server: Server,
  { providers, cancelable, filter, enhancers = [] }: GraphqlAppOptions,
): Promise<HttpApp> {
  const adapter: Adapter = server === 'Apollo on Express' ? 'Express' : 'Fastify';
  const common = { autoSchemaFile: true, fieldResolverEnhancers: enhancers };
  const graphql =
    server === 'Mercurius'
      ? GraphQLModule.forRoot<MercuriusDriverConfig>({
          driver: MercuriusDriver,
          subscription: { fullWsTransport: true },
          ...common,
        })
      : GraphQLModule.forRoot<ApolloDriverConfig>({
          driver: ApolloDriver,
          graphiql: false,
          subscriptions: { 'graphql-ws': true },
          includeStacktraceInErrorResponses: true,
          ...common,
        });
  return startHttpApp(adapter, {
    providers,
    imports: [graphql],
    ...(cancelable && { cancelable }),
    ...(filter && { configure: (app) => app.useGlobalFilters(filter) }),
  });
}

/** Asks, and leaves the rest to the caller, who may walk away. */
export function begin({ url }: HttpApp, query: string) {
  return send(`${url}/graphql`, { method: 'POST', body: JSON.stringify({ query }) });
}

export async function ask({ url }: HttpApp, query: string): Promise<any> {
  return (await post(`${url}/graphql`, { query })).json();
}
