import type { OperationSnapshot } from '../operation/snapshot.js';
import { isRecord, memberOf } from '../scope/plain-object.js';
import { refusePromise } from '../scope/promised-options.js';
import type { DashboardOperation } from './api-types.js';
import type { DashboardOptions, DashboardRequest, DashboardSubject } from './dashboard-options.js';

const NAMES = ['id', 'sub', 'username', 'email', 'name'] as const;
const LONGEST_NAME = 200;

/** Who may see and cancel what, and how much of it. */
export class Access {
  /** Everybody who is let in sees everything. */
  readonly isOpen: boolean;

  constructor(private readonly options: DashboardOptions) {
    this.isOpen = options.canRead === undefined && options.redact === undefined;
  }

  canRead(operation: DashboardSubject, request: DashboardRequest): boolean {
    return ask(this.options.canRead, 'canRead()', true, operation, request);
  }

  /** Of one that may be read. */
  canCancel(operation: DashboardSubject, request: DashboardRequest): boolean {
    const orElse = this.options.allowAnonymous !== true;
    return ask(this.options.canCancel, 'canCancel()', orElse, operation, request);
  }

  canReadStatistics(request: DashboardRequest): boolean {
    const orElse = this.options.canRead === undefined;
    return ask(this.options.canReadStatistics, 'canReadStatistics()', orElse, request);
  }

  /** What the caller sees of one; `undefined` if it sees nothing. */
  show(operation: DashboardSubject, request: DashboardRequest): DashboardOperation | undefined {
    if (!this.canRead(operation, request)) return undefined;
    const cancelable = operation.status === 'running' && this.canCancel(operation, request);
    return { ...this.redacted(operation, request), id: operation.id, cancelable };
  }

  who(request: DashboardRequest): string {
    const { who } = this.options;
    const name: unknown = who === undefined ? nameOf(request.user) : who(request);
    return typeof name === 'string' && name !== '' ? name.slice(0, LONGEST_NAME) : 'anonymous';
  }

  private redacted(operation: DashboardSubject, request: DashboardRequest): OperationSnapshot {
    const { redact } = this.options;
    if (redact === undefined) return operation;
    const left: unknown = redact(operation, request);
    refusePromise(left, 'CancelableDashboardModule: redact()');
    if (!isRecord(left)) {
      throw new TypeError('CancelableDashboardModule: redact() has to return a snapshot');
    }
    return left as unknown as OperationSnapshot;
  }
}

/** A promise would be as good as true: it is refused. */
function ask<Args extends unknown[]>(
  test: ((...args: Args) => boolean) | undefined,
  name: string,
  orElse: boolean,
  ...args: Args
): boolean {
  if (test === undefined) return orElse;
  const answer: unknown = test(...args);
  refusePromise(answer, `CancelableDashboardModule: ${name}`);
  return answer === true;
}

function nameOf(user: unknown): string | undefined {
  if (typeof user === 'string') return user;
  if (typeof user !== 'object' || user === null) return undefined;
  for (const key of NAMES) {
    const value = memberOf(user, key);
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  return undefined;
}
