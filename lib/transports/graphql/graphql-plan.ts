import type { OperationPlan } from '../../operation/operation-plan.js';
import type { CancelableRuntime } from '../../methods/cancelable-runtime.js';
import { type HandlerDefaults, HandlerPlan } from '../handler-plan.js';
import type { ResolverInfo } from './resolver-args.js';

const RESOLVER_TYPE = 'graphql:resolver_type';
const RESOLVER_NAME = 'graphql:resolver_name';

/** One resolver of one application. */
export class GraphqlPlan extends HandlerPlan {
  readonly isSubscription: boolean;
  /** The plan of a reference resolver, and of whatever else GraphQL gives no field for. */
  private readonly fallbackName: string;

  constructor(
    runtime: CancelableRuntime,
    defaults: HandlerDefaults,
    handlerName: string,
    handler: object,
    resolver: object,
  ) {
    super(runtime, defaults, 'graphql', handler, resolver);
    const type = metadataOf(RESOLVER_TYPE, handler);
    const name = metadataOf(RESOLVER_NAME, handler);
    this.isSubscription = type === 'Subscription';
    this.fallbackName = type !== undefined && name !== undefined ? `${type}.${name}` : handlerName;
  }

  /** An inherited resolver serves fields of several types: the field knows, not the method. */
  planFor(info: ResolverInfo | undefined): OperationPlan {
    const type = info?.parentType?.name;
    return this.planNamed(
      type === undefined || info?.fieldName === undefined
        ? this.fallbackName
        : `${type}.${info.fieldName}`,
    );
  }
}

function metadataOf(key: string, handler: object): string | undefined {
  const value: unknown = Reflect.getMetadata(key, handler);
  return typeof value === 'string' ? value : undefined;
}
