import type { Cleanup } from '../scope/cleanup.js';
import type { ExclusiveCall } from './operation-plan.js';
import type { OperationProgress, ProgressListener } from './progress.js';
import type { ProtectedScope } from '../scope/protected-scope.js';

/** What most operations never need. */
export class OperationExtras {
  progress: OperationProgress | undefined = undefined;
  partialResult: unknown = undefined;
  /** Milliseconds since the epoch. */
  wallDeadline: number | undefined = undefined;
  /** The latest moment that the caller waits for, in monotonic milliseconds: nothing moves it. */
  callerLimit: number | undefined = undefined;
  /** The timeout beside it, in monotonic milliseconds. */
  monotonicDeadline: number | undefined = undefined;
  cleanups: Cleanup[] | undefined = undefined;
  /** The key it has held. */
  exclusive: ExclusiveCall | undefined = undefined;
  progressListeners: Set<ProgressListener> | undefined = undefined;
  settledListeners: Set<() => unknown> | undefined = undefined;
  /** What to let go of at the end: tokens and signals it follows. */
  links: (() => void)[] | undefined = undefined;
  /** Its open shields. */
  shieldedScopes: Set<ProtectedScope> | undefined = undefined;
  /** What watches for a lack of progress. */
  stalls: { progressed(): void }[] | undefined = undefined;
  /** It ended by itself, after its deadline had passed. */
  overran = false;
}
