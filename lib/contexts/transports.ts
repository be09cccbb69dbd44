import { httpTransport } from './http/http-transport.js';
import type { Transport } from './transport.js';

/** By the type of Nest's ExecutionContext. */
export const transports: Readonly<Record<string, Transport | undefined>> = {
  http: httpTransport,
};
