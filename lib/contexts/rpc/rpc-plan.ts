import type { ExecutionContext } from '@nestjs/common';
import type { OperationPlan } from '../../core/operation-plan.js';
import type { CancelableRuntime } from '../../decorators/cancelable-runtime.js';
import { type EntryDefaults, EntryPlan } from '../entry-plan.js';

const PATTERNS = 'microservices:pattern';

/** One handler of messages or events. Its name is the pattern, as the controller has it: few. */
export class RpcPlan extends EntryPlan {
  private readonly names: readonly string[];
  private readonly first: OperationPlan;

  constructor(
    runtime: CancelableRuntime,
    defaults: EntryDefaults,
    handlerName: string,
    handler: object,
    controller: object,
  ) {
    super(runtime, defaults, 'rpc', handler, controller);
    this.names = patternsOf(handler).map(nameOf);
    this.first = this.planNamed(this.names[0] ?? handlerName);
  }

  /** A handler of several patterns is called for one of them, which the transport tells. */
  planFor(context: ExecutionContext): OperationPlan {
    if (this.names.length <= 1) return this.first;
    const transport = context.switchToRpc().getContext<{ getPattern?(): unknown } | undefined>();
    const pattern = transport?.getPattern?.();
    return typeof pattern === 'string' && this.names.includes(pattern)
      ? this.planNamed(pattern)
      : this.first;
  }
}

/** As the controller has them; only the methods of a microservice have some. */
export function patternsOf(handler: object): readonly unknown[] {
  const patterns: unknown = Reflect.getMetadata(PATTERNS, handler);
  return Array.isArray(patterns) ? patterns : [];
}

/** `reports.build`, `ReportsService/Build` for gRPC, JSON for any other object. */
function nameOf(pattern: unknown): string {
  if (typeof pattern !== 'object' || pattern === null) return String(pattern);
  const { service, rpc } = pattern as { service?: unknown; rpc?: unknown };
  return typeof service === 'string' && typeof rpc === 'string'
    ? `${service}/${rpc}`
    : JSON.stringify(pattern);
}
