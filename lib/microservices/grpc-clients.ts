import type { ClientGrpcProxy } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { monotonicNow, wallNow } from '../scope/clock.js';
import { ownValue } from '../scope/plain-object.js';
import type { Scope } from '../scope/scope.js';
import type { ClientSettings } from './client-settings.js';
import { callWithin } from './outgoing-call.js';
import { SharedMethod } from '../scope/shared-method.js';

type ServiceMethod = (...args: unknown[]) => Observable<unknown>;
type CreateServiceMethod = (
  this: ClientGrpcProxy,
  client: GrpcMethods,
  name: string,
) => ServiceMethod;

/** A client of @grpc/grpc-js. */
type GrpcMethods = Readonly<Record<string, { readonly path?: string }>>;

/**
 * What `getService()` is made of. Unsubscribing cancels a call of gRPC by itself, and its server
 * learns of both that and the deadline, so nothing of our own is carried.
 */
export const serviceMethods = new SharedMethod<
  'createServiceMethod',
  CreateServiceMethod,
  ClientSettings
>('createServiceMethod', (below, owners) => {
  const createServiceMethod: CreateServiceMethod = function (client, name) {
    const method = below.call(this, client, name);
    return (...args) =>
      callWithin(
        owners,
        () => method(...args),
        ({ scope, owner }) => {
          const path = client[name]?.path ?? name;
          const deadline = owner.carry(this, path) ? deadlineOf(scope) : undefined;
          if (deadline === undefined) return { answers: method(...args) };
          return { answers: method(...withDeadline(args, deadline)) };
        },
      );
  };
  return createServiceMethod;
});

/** Milliseconds since the epoch; rounded up, so that our own timer is the first. */
function deadlineOf({ limit }: Scope): number | undefined {
  return limit === undefined ? undefined : Math.ceil(wallNow() + limit - monotonicNow()) + 1;
}

/**
 * Arguments are `(data, metadata?, options?)`. Where the client sends a stream, Nest hands on only
 * one beside it: with metadata the deadline gets lost, and the cancel has to do.
 */
function withDeadline(args: unknown[], deadline: number): unknown[] {
  if (args.length === 0) return args;
  const [data, second, third] = args;
  const hasMetadata = isMetadata(second);
  const given = hasMetadata ? third : second;
  if (given !== undefined && (typeof given !== 'object' || given === null)) return args;
  const options = given;
  if (options !== undefined && ownValue(options, 'deadline') !== undefined) return args;
  const limited = { ...options, deadline };
  return hasMetadata ? [data, second, limited] : [data, limited];
}

function isMetadata(value: unknown): boolean {
  return typeof (value as { getMap?: unknown } | null | undefined)?.getMap === 'function';
}
