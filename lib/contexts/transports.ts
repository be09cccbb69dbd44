import { graphqlTransport } from './graphql/graphql-transport.js';
import { httpTransport } from './http/http-transport.js';
import { rpcTransport } from './rpc/rpc-transport.js';
import type { Transport } from './transport.js';
import { wsTransport } from './ws/ws-transport.js';

/** By the type of Nest's ExecutionContext. */
export const transports: Readonly<Record<string, Transport | undefined>> = {
  http: httpTransport,
  rpc: rpcTransport,
  ws: wsTransport,
  graphql: graphqlTransport,
};
