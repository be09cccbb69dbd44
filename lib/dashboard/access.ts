import type { OperationSnapshot } from '../operation/snapshot.js';
import { isRecord, memberOf } from '../scope/plain-object.js';
import { refusePromise } from '../scope/promised-options.js';
import type { DashboardOperation } from './api-types.js';
import type { DashboardOptions, DashboardRequest, DashboardSubject } from './dashboard-options.js';
import { withoutUnknown } from './known-causes.js';

const NAMES = ['id', 'sub', 'username', 'email', 'name'] as const;
const LONGEST_NAME = 200;

/** Who may see and cancel what, and how much of it. */
export class Access {
  /** Everybody who is let in sees everything. */
  readonly isOpen: boolean;

  /** What callers see of an operation may be other than what it is. */
  readonly redacts: boolean;

  /** @param find the operation of an id, live or remembered */
  constructor(
    private readonly options: DashboardOptions,
    private readonly find: (id: string) => DashboardSubject | undefined,
  ) {
    this.redacts = options.redact !== undefined;
    this.isOpen = options.canRead === undefined && !this.redacts;
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

  /** Of what led to a cancel, operations that the caller may not see lose all but their reason. */
  private withKnownCauses(
    operation: DashboardSubject,
    request: DashboardRequest,
  ): DashboardSubject {
    const { causes } = operation;
    if (causes === undefined || this.options.canRead === undefined) return operation;
    return withoutUnknown(operation, causes, (id) => {
      const other = id === operation.id ? operation : this.find(id);
      return other !== undefined && this.canRead(other, request);
    });
  }

  private redacted(operation: DashboardSubject, request: DashboardRequest): OperationSnapshot {
    const { redact } = this.options;
    const known = this.withKnownCauses(operation, request);
    if (redact === undefined) return known;
    const left: unknown = redact(known, request);
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
