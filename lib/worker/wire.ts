import type { MessagePort } from 'node:worker_threads';
import type { CancelationReason } from '../scope/cancelation-error.js';
import type { OperationKind, OperationMetadata } from '../operation/operation-options.js';
import type { OperationProgress } from '../operation/progress.js';
import type { WireError } from './wire-errors.js';

/** The messages between the thread that has the operation and the one that works for it. */

/** An operation as the thread is told of it when it begins. */
export interface CarriedOperation {
  readonly id: string;
  readonly name: string;
  readonly kind: OperationKind;
  readonly metadata: Readonly<OperationMetadata> | undefined;
  readonly tags: readonly string[] | undefined;
  /** Milliseconds of the clock that threads share (see `sharedNow`). */
  readonly limit: number | undefined;
  /** The nearest deadline of those above, which its own never passes. */
  readonly inheritedLimit: number | undefined;
  readonly startedAt: number;
  /** Milliseconds. */
  readonly cleanupLimit: number;
}

/** The first message to a thread. */
export interface Envelope {
  /** Absent when nothing was current where the work was begun. */
  readonly operation: CarriedOperation | undefined;
  /** One 32-bit number, see `CANCELED`: read in the middle of a loop. */
  readonly flag: SharedArrayBuffer;
  readonly port: MessagePort;
  /** The URL of the module. */
  readonly file: string;
  /** The name of the export to call; `false`: the file is the work. */
  readonly name: string | false;
  readonly args: readonly unknown[];
}

export const RUNNING = 0;
/** The cancel itself is in the port: it was sent before the flag was set. */
export const CANCELED = 1;

/** To the thread. */
export type ThreadOrder =
  | { readonly type: 'cancel'; readonly error: WireError }
  | { readonly type: 'answer'; readonly question: number; readonly canceled: boolean };

/** A cancel that a thread asks for. */
export interface CarriedCancel {
  readonly reason: CancelationReason | undefined;
  readonly message: string | undefined;
  readonly cause: WireError | undefined;
  readonly requestedBy: string | undefined;
}

/** From the thread. */
export type ThreadReport =
  | { readonly type: 'progress'; readonly progress: OperationProgress }
  | { readonly type: 'partial'; readonly value: unknown }
  | { readonly type: 'annotate'; readonly metadata: Readonly<OperationMetadata> }
  | { readonly type: 'extend'; readonly delay: number }
  | { readonly type: 'canceled'; readonly cancel: CarriedCancel }
  | {
      readonly type: 'cancel';
      readonly question: number;
      readonly id: string;
      readonly cancel: CarriedCancel;
    }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'warn' | 'error';
      readonly message: string;
      readonly stack: string | undefined;
    }
  | { readonly type: 'returned'; readonly value: unknown }
  | {
      readonly type: 'failed';
      readonly error: WireError;
      /** It is the cancel of the operation itself. */
      readonly canceled: boolean;
    };

/** Milliseconds of a clock that all threads of the process share and nobody sets. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
