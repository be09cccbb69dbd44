import type { CancelationError, CancelationReason } from '../scope/cancelation-error.js';

/** The log that operations write to. Nest's `Logger` fits. */
export interface OperationLog {
  /** Logs what is only worth reading when somebody looks for a cause. */
  debug(message: string): void;
  /** Logs what somebody should look at. */
  warn(message: string): void;
  /** Logs a failure. */
  error(message: string, stack?: string): void;
}

/** What a line of the log is about: an operation, or what is known of it. */
export interface LogSubject {
  /** Not there where a line is about operations of several names. */
  readonly name?: string;
  /** Made when it is read: only a line that has fields asks for it. */
  readonly id?: string;
  /** `undefined`: it was not canceled, or nobody knows. */
  readonly reason?: CancelationReason | undefined;
  /** How many operations, if the line is about several. */
  readonly count?: number;
  /** Who asked for a cancel, and from where, if the line is about that. */
  readonly requestedBy?: string;
  readonly requestedFrom?: string;
  /** Asked for only where there is a reason. */
  error?(): CancelationError;
}

/** The same as fields, for loggers that have fields. */
export interface LogFields {
  readonly operation?: string;
  readonly operationId?: string;
  /** Why it was canceled, if it was. */
  readonly reason?: CancelationReason;
  /** The reason of the cancelation that started it all, if it was canceled. */
  readonly rootCause?: CancelationReason;
  readonly count?: number;
  /** Who asked for a cancel, and from where. */
  readonly requestedBy?: string;
  readonly requestedFrom?: string;
}

/** The log as the library writes to it: each line may say which operation it is about. */
export interface SubjectLog extends OperationLog {
  debug(message: string, about?: LogSubject): void;
  warn(message: string, about?: LogSubject): void;
  error(message: string, stack?: string, about?: LogSubject): void;
}
