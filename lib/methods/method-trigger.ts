import type { OnShutdown, OperationKind } from '../operation/operation-options.js';

/** The caller of a method where no transport is: a clock, a bus, a queue. */
export interface MethodTrigger {
  readonly kind: OperationKind;
  /** `undefined`: the method's own. */
  readonly name?: string | undefined;
  /** The default where the options say nothing. */
  readonly onShutdown?: OnShutdown;
}

/** The keys of other packages' metadata: they may be absent, and are not loaded for this. */
const SCHEDULER_TYPE = 'SCHEDULER_TYPE';
const SCHEDULER_NAME = 'SCHEDULER_NAME';
const CRON_OPTIONS = 'SCHEDULE_CRON_OPTIONS';
const EVENT_LISTENER = 'EVENT_LISTENER_METADATA';
const COMMAND_HANDLER = '__commandHandler__';
const QUERY_HANDLER = '__queryHandler__';
const EVENTS_HANDLER = '__eventsHandler__';
const SAGA = '__saga__';
const PROCESSOR = 'bullmq:processor_metadata';

/**
 * Reads from a method's decorators, and from those of its class, what calls it.
 *
 * @param method as it stands on the prototype, with the metadata of all its decorators
 */
export function triggerOf(
  prototype: object,
  key: string | symbol,
  method: object,
): MethodTrigger | undefined {
  if (Reflect.hasMetadata(SCHEDULER_TYPE, method)) {
    return { kind: 'cron', name: schedulerName(method) };
  }
  if (Reflect.hasMetadata(EVENT_LISTENER, method)) return { kind: 'event' };
  const { constructor } = prototype;
  const isOn = (name: string) => Reflect.hasMetadata(name, constructor);
  if (key === 'execute' && (isOn(COMMAND_HANDLER) || isOn(QUERY_HANDLER))) return { kind: 'cqrs' };
  if (key === 'handle' && isOn(EVENTS_HANDLER)) return { kind: 'cqrs' };
  // A saga never ends by itself: a shutdown does not wait for it.
  if (isSaga(constructor, key)) return { kind: 'cqrs', onShutdown: 'cancel' };
  if (isWorkerProcess(prototype, key)) return { kind: 'job', name: queueName(constructor) };
  return undefined;
}

/** The name that the user gave the job; cron jobs have theirs among their options. */
function schedulerName(method: object): string | undefined {
  const options = Reflect.getMetadata(CRON_OPTIONS, method) as { name?: string } | undefined;
  return options?.name ?? (Reflect.getMetadata(SCHEDULER_NAME, method) as string | undefined);
}

function isSaga(constructor: object, key: string | symbol): boolean {
  const keys = Reflect.getMetadata(SAGA, constructor) as unknown;
  return Array.isArray(keys) && keys.includes(key);
}

/**
 * `process` of a BullMQ processor, known by the class that @nestjs/bullmq makes it extend: its own
 * decorator runs after those of the methods.
 */
export function isWorkerProcess(prototype: object, key: string | symbol): boolean {
  if (key !== 'process') return false;
  for (
    let owner: object | null = prototype;
    owner !== null;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    if (owner.constructor.name === 'WorkerHost') return true;
  }
  return false;
}

function queueName(constructor: object): string | undefined {
  return (Reflect.getMetadata(PROCESSOR, constructor) as { name?: string } | undefined)?.name;
}
