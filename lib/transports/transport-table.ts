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

/** Lets the transports of these kinds load what they need; others leave their packages alone. */
export async function prepareTransports(kinds: Iterable<string>): Promise<void> {
  for (const kind of new Set(kinds)) await transports[kind]?.prepare?.();
}
