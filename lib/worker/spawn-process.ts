import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { constants } from 'node:os';
import type { CancelationError } from '../scope/cancelation-error.js';
import { formatDuration, type Duration } from '../scope/duration.js';
import { noop } from '../scope/thenable.js';
import { readOptions } from '../scope/validate.js';
import { type CallingOperation, callingOperation, follow } from './calling-operation.js';
import { GracePeriod, graceOf } from './grace.js';
import { endWithProcess, forget, groupExists, groupOptions, signalGroup } from './process-group.js';
import { PROCESS_READERS } from './worker-readers.js';

/**
 * What `spawn()` of `node:child_process` takes, without `signal`, `timeout`, `killSignal` and
 * `detached`, and how long the process may take to stop.
 *
 * @publicApi
 */
export interface ProcessOptions {
  /** How long after SIGTERM before SIGKILL. 0: no time. Default: `'5s'`. */
  readonly grace?: Duration;
  /** The folder it runs in. Default: that of this process. */
  readonly cwd?: string | { readonly href: string };
  /** Its environment. Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** As for `spawn()` of Node. Default: `'pipe'`. */
  readonly stdio?: unknown;
  /** Whether a shell runs it. Default: `false`. */
  readonly shell?: boolean | string;
  /** As for `spawn()` of Node. */
  readonly argv0?: string;
  /** The user it runs as. */
  readonly uid?: number;
  /** The group it runs as. */
  readonly gid?: number;
  /** How messages between the processes are written. Default: `'json'`. */
  readonly serialization?: 'json' | 'advanced';
  /** On Windows: no console window. Default: false. */
  readonly windowsHide?: boolean;
  /** On Windows: arguments are passed on as they are. Default: false. */
  readonly windowsVerbatimArguments?: boolean;
}

/**
 * The part of Node's `ChildProcess` that every environment knows.
 *
 * @publicApi
 */
export interface ProcessLike {
  /** The id of the process; `undefined` if it could not be spawned. */
  readonly pid?: number | undefined;
  /** What it reads. */
  readonly stdin: object | null;
  /** What it writes. */
  readonly stdout: AsyncIterable<Uint8Array> | null;
  /** What it writes as errors. */
  readonly stderr: AsyncIterable<Uint8Array> | null;
}

/**
 * A child process of `spawnProcess()`.
 *
 * @publicApi
 */
export interface SpawnedProcess<Child extends ProcessLike> {
  /** Node's own object: `stdin`, `stdout`, `stderr`, `pid`, events. */
  readonly child: Child;
  /**
   * The exit code, once the process has ended and its output was read; 128 + n for one that signal
   * n ended, as shells say it. Rejects with the operation's own error when that was canceled, once
   * the process has ended, and with an Error when it could not be started.
   */
  readonly exited: Promise<number>;
  /** Sends a signal to the whole group. Default: SIGTERM. @returns whether anybody got it */
  kill(signal?: string): boolean;
}

/**
 * Starts a program for the current operation: when that is canceled, SIGTERM goes to the program
 * and to all that it has started itself, and SIGKILL to those who are still there after the grace
 * period. The program leads a process group of its own, which ends with this process.
 *
 * On Windows there are no process groups: the program itself is killed, what it has started is not.
 *
 * @param options.grace between SIGTERM and SIGKILL. Default: 5 s
 * @throws CancelationError in a canceled operation: the program is not started; TypeError when an
 * option cannot be used
 * @example
 * const { child, exited } = spawnProcess<ChildProcess>('ffmpeg', ['-i', file, '-f', 'mp4', '-']);
 * await Promise.all([pipeline(child.stdout, target), exited]);
 * @publicApi
 */
export function spawnProcess<Child extends ProcessLike = ProcessLike>(
  command: string,
  args: readonly string[] = [],
  options: ProcessOptions = {},
): SpawnedProcess<Child> {
  for (const key of ['signal', 'timeout', 'killSignal', 'detached']) {
    if (Object.hasOwn(options, key)) {
      throw new TypeError(
        `spawnProcess(): there is no option '${key}'. The operation decides when the process ends; use grace.`,
      );
    }
  }
  const { grace, ...settings } = readOptions(options, 'spawnProcess()', PROCESS_READERS);
  const caller = callingOperation();
  const child = spawn(command, args, { ...(settings as SpawnOptions), ...groupOptions });
  const group = new Group(child, caller, command, graceOf(grace));
  return {
    child: child as unknown as Child,
    exited: group.exited,
    kill: (signal = 'SIGTERM') => group.kill(signal as NodeJS.Signals),
  };
}

class Group {
  readonly exited: Promise<number>;
  private canceled: CancelationError | undefined = undefined;
  private closed = false;
  private readonly grace: GracePeriod;
  private release: () => void = noop;

  constructor(
    private readonly child: ChildProcess,
    caller: CallingOperation | undefined,
    command: string,
    grace: number,
  ) {
    this.grace = new GracePeriod(
      grace,
      () => {
        const killed = signalGroup(child, 'SIGKILL');
        forget(child);
        if (!killed || this.closed) return;
        caller?.state.host.log.warn(
          `The process ${command}, for ${caller.state.name}, ignored SIGTERM for ${formatDuration(grace)} and was killed`,
          caller.state,
        );
      },
      caller?.state,
    );
    this.exited = new Promise((resolve, reject) => {
      child.once('error', (error) => {
        if (child.pid !== undefined) return;
        this.end();
        reject(error);
      });
      child.once('close', (code, signal) => {
        this.end();
        if (this.canceled !== undefined) reject(this.canceled);
        else resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
    if (child.pid === undefined) return;
    endWithProcess(child);
    if (caller !== undefined) {
      this.release = follow(caller, `the process ${command}`, (error) => this.cancel(error));
    }
  }

  private cancel(error: CancelationError): void {
    if (this.canceled !== undefined) return;
    this.canceled = error;
    this.exited.catch(noop);
    signalGroup(this.child, 'SIGTERM');
    this.grace.begin();
  }

  kill(signal: NodeJS.Signals): boolean {
    return !this.closed && signalGroup(this.child, signal);
  }

  private end(): void {
    this.closed = true;
    this.release();
    // Others of a canceled group may still be there, without holding on to the output.
    if (this.canceled !== undefined && groupExists(this.child)) return;
    this.grace.end();
    forget(this.child);
  }
}
