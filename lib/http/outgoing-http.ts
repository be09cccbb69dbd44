import type { CancelableExtension } from '../registry/cancelable-extension.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { undoing } from '../scope/shared-method.js';
import { replaceHttp2Requests } from './http2-requests.js';
import { replaceNodeRequests } from './node-requests.js';
import { type OutgoingHttpOptions, readOutgoingOptions } from './outgoing-options.js';
import { findDispatchers, replaceDispatch } from './undici-requests.js';

/**
 * Interrupts the HTTP requests that an operation has begun, as soon as it is canceled, with no
 * signal passed: while they resolve, connect, upload, wait for an answer or read one. The other
 * side sees its connection, or its stream of HTTP/2, close. For everything that ends in `node:http`,
 * `node:https`, sessions of `node:http2`, or undici: `fetch`, axios and `HttpService`, got, ky,
 * node-fetch, and the clients of services that are made of them.
 *
 * Requests outside of an operation, inside of `shield()`, and in cleanups are left alone, and so are
 * calls of gRPC, which `microservices()` follows.
 *
 * @throws TypeError for options that are not possible
 * @example
 * CancelableModule.forRoot({
 *   extensions: [outgoingHttp({ deadlines: { to: ['https://rates.internal'] } })],
 * })
 * @publicApi
 */
export function outgoingHttp(options: OutgoingHttpOptions = {}): CancelableExtension {
  const settings = readOutgoingOptions(options, 'outgoingHttp()');
  return {
    name: 'outgoingHttp',
    async install({ registry }) {
      const host = OperationRegistry.liveOf(registry);
      const dispatchers = await findDispatchers();
      return undoing([
        replaceNodeRequests(host, settings),
        replaceHttp2Requests(host, settings),
        ...dispatchers.map((prototype) => replaceDispatch(prototype, host, settings)),
      ]);
    },
  };
}
