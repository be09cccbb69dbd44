import { currentCell } from '../scope/context.js';
import type { OperationState } from '../operation/operation-state.js';
import { OperationStore } from '../registry/operation-store.js';
import { readRegistryOptions } from '../registry/registry-options.js';
import type { CancelableOptions } from './cancelable-options.js';
import type { JobPort } from './job-call.js';

/**
 * What decorated methods need of their application. Each application has one; instances are told
 * theirs through dependency injection.
 */
export class CancelableRuntime {
  constructor(
    readonly live: OperationStore,
    readonly policies: Readonly<Record<string, CancelableOptions>>,
    /** No application has it: CancelableModule is not imported where the method is called. */
    readonly isStandalone = false,
  ) {
    byHost.set(live, this);
  }

  /** Set by the extension for queues, while it is installed. */
  jobs: JobPort | undefined = undefined;

  /** The runtime over an application's operations. */
  static over(live: OperationStore): CancelableRuntime | undefined {
    return byHost.get(live);
  }

  /** @throws TypeError when there is no such policy */
  policy(name: string | undefined, where: string): CancelableOptions | undefined {
    if (name === undefined) return undefined;
    if (!Object.hasOwn(this.policies, name)) {
      const known = Object.keys(this.policies).map((each) => `'${each}'`);
      throw new TypeError(
        `${where}: there is no policy '${name}'. Allowed: ${known.join(', ') || 'none are defined'}. ` +
          'Define it in CancelableModule.forRoot({ policies }).',
      );
    }
    return this.policies[name];
  }

  /** The application is up: instances that dependency injection does not reach may use it. */
  activate(): void {
    active.add(this);
  }

  deactivate(): void {
    active.delete(this);
  }
}

const byHost = new WeakMap<object, CancelableRuntime>();
const byInstance = new WeakMap<object, CancelableRuntime>();
const active = new Set<CancelableRuntime>();
let standalone: CancelableRuntime | undefined;

export function assignRuntime(instance: object, runtime: CancelableRuntime): void {
  byInstance.set(instance, runtime);
}

export function hasRuntime(instance: object): boolean {
  return byInstance.has(instance);
}

/**
 * The application an instance belongs to; for one that no container made, that of the current
 * operation, or the only one there is. Several applications in a process do not see each other, so
 * in doubt it is none of them.
 */
export function runtimeOf(instance: object): CancelableRuntime {
  return byInstance.get(instance) ?? ambientRuntime() ?? fallbackRuntime();
}

function ambientRuntime(): CancelableRuntime | undefined {
  const state = currentCell()?.resolve()?.operation() as OperationState | undefined;
  return state === undefined ? undefined : byHost.get(state.host);
}

function fallbackRuntime(): CancelableRuntime {
  if (active.size === 1) for (const runtime of active) return runtime;
  return (standalone ??= new CancelableRuntime(
    new OperationStore(readRegistryOptions({}, 'standalone')),
    {},
    true,
  ));
}
