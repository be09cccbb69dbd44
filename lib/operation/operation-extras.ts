import type { Cleanup } from '../scope/cleanup.js';
import type { ExclusiveCall } from './operation-plan.js';
import type { OperationProgress, ProgressListener } from './progress.js';
import type { ProtectedScope } from '../scope/protected-scope.js';

/** The fields that most operations never need, apart so that the others stay small. */
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
  /** Unlink the tokens and signals that it follows, at its end. */
  links: (() => void)[] | undefined = undefined;
  /** Its open shields. */
  shieldedScopes: Set<ProtectedScope> | undefined = undefined;
  /** The watchers for a lack of progress. */
  stalls: { progressed(): void }[] | undefined = undefined;
  /** It ended by itself, after its deadline had passed. */
  overran = false;
}
