import type { ExecutionContext } from '@nestjs/common';
import { bare } from '../../scope/plain-object.js';
import type { OperationPlan } from '../../operation/operation-plan.js';
import type { CancelableRuntime } from '../../methods/cancelable-runtime.js';
import { type HandlerDefaults, HandlerPlan } from '../handler-plan.js';
import { askForeign } from './ask-foreign.js';

/** Nest's own words: the package may be absent. */
export const PATTERNS = 'microservices:pattern';
export const HANDLER_TYPE = 'microservices:handler_type';
export const EVENT_HANDLER = 2;

/**
 * The methods by which contexts tell the pattern: of TCP and RabbitMQ, Redis, NATS, Kafka and MQTT.
 */
const ADDRESSES = ['getPattern', 'getChannel', 'getSubject', 'getTopic'] as const;

/** One handler of messages or events. Its name is the pattern, as the controller has it: few. */
export class RpcPlan extends HandlerPlan {
  private readonly names: readonly string[];
  private readonly first: OperationPlan;

  constructor(
    runtime: CancelableRuntime,
    defaults: HandlerDefaults,
    handlerName: string,
    handler: object,
    controller: object,
  ) {
    // The sender of an event waits for nothing and may leave at once; the work is wanted all the
    // same.
    const isEvent = Reflect.getMetadata(HANDLER_TYPE, handler) === EVENT_HANDLER;
    super(runtime, defaults, 'rpc', handler, controller, false, isEvent ? 'ignore' : undefined);
    this.names = patternsOf(handler).map(nameOf);
    this.first = this.planNamed(this.names[0] ?? handlerName);
  }

  /** A handler of several patterns is called for one of them, which the transport tells. */
  planFor(context: ExecutionContext): OperationPlan {
    if (this.names.length <= 1) return this.first;
    const address = addressOf(context.getArgByIndex(1));
    return typeof address === 'string' && this.names.includes(address)
      ? this.planNamed(address)
      : this.first;
  }
}

/**
 * The pattern that the message was sent to. Only known patterns become names, since a client can
 * send anything.
 */
function addressOf(transport: unknown): unknown {
  return askForeign(() => {
    const context = (transport ?? {}) as Record<string, unknown>;
    for (const key of ADDRESSES) {
      const getter = context[key];
      if (typeof getter === 'function') return getter.call(context) as unknown;
    }
    return undefined;
  });
}

/** As the controller has them; only the methods of a microservice have some. */
export function patternsOf(handler: object): readonly unknown[] {
  const patterns: unknown = Reflect.getMetadata(PATTERNS, handler);
  return Array.isArray(patterns) ? patterns : [];
}

/** `reports.build`, `ReportsService/Build` for gRPC, JSON for any other object. */
function nameOf(pattern: unknown): string {
  if (typeof pattern !== 'object' || pattern === null) return String(pattern);
  const { service, rpc } = bare(pattern) as { service?: unknown; rpc?: unknown };
  return typeof service === 'string' && typeof rpc === 'string'
    ? `${service}/${rpc}`
    : JSON.stringify(pattern);
}
