import { loadPeer } from '../scope/load-peer.js';
import { readFunction, refusePromise } from '../scope/promised-options.js';
import { undoing } from '../scope/shared-method.js';
import { readOptions } from '../scope/validate.js';
import type { CancelableExtension } from '../registry/cancelable-extension.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import type { ClientSettings } from './client-settings.js';
import { serviceMethods } from './grpc-clients.js';
import { sendMethod } from './message-clients.js';

/**
 * Options of `microservices()`.
 *
 * @publicApi
 */
export interface MicroservicesOptions {
  /**
   * Which calls tell the other service how long they wait, which operation they belong to, and when
   * they are canceled; the others only stop waiting. For services that are not yours, or lack the
   * `CancelationController`. Asked once per call, with the client and the pattern, or the path of a
   * method of gRPC. Default: every call.
   *
   * @example
   * microservices({ carry: (client) => client !== partners })
   */
  readonly carry?: (client: object, pattern: unknown) => boolean;
}

/**
 * Lets cancels and deadlines cross services. Within an operation, what `ClientProxy.send()` and the
 * services of `ClientGrpc` return errors with the operation's `CancelationError` as soon as it is
 * canceled. Over TCP, Redis, NATS and gRPC the other service learns how long the caller waits, and
 * when it stops: because it was canceled, or nobody is subscribed any more. It needs this library
 * too, and, except over gRPC, the `CancelationController`.
 *
 * Events (`emit()`), calls outside of an operation, and other transports carry nothing. Services of
 * gRPC take part if `getService()` is called in `onModuleInit()` or later.
 *
 * @throws TypeError for options that are not possible
 * @example
 * CancelableModule.forRoot({ extensions: [microservices()] })
 *
 * \@Get(':city')
 * \@Cancelable('2s')
 * rate(\@Param('city') city: string) {
 *   return this.rates.send('rates.find', city);
 * }
 * @publicApi
 */
export function microservices(options: MicroservicesOptions = {}): CancelableExtension {
  const where = 'microservices()';
  const { carry } = readOptions(options, where, { carry: (value, at) => readFunction(value, at) });
  return {
    name: 'microservices',
    async install({ registry, log }) {
      const library = await loadPeer(
        '@nestjs/microservices',
        'nestjs-cancelable/microservices',
        () => import('@nestjs/microservices'),
      );
      const host = OperationRegistry.liveOf(registry);
      const settings: ClientSettings = {
        library,
        log,
        carry(client, pattern) {
          const answer: unknown = carry === undefined || carry(client, pattern);
          refusePromise(answer, `${where}: carry`);
          return Boolean(answer);
        },
      };
      const { ClientGrpcProxy, ClientProxy } = library;
      return undoing([
        sendMethod.replaceOn(ClientProxy.prototype, host, settings),
        serviceMethods.replaceOn(ClientGrpcProxy.prototype, host, settings),
      ]);
    },
  };
}
