import { type TransferListItem, Worker } from 'node:worker_threads';
import { readOptions } from '../scope/validate.js';
import { type CallingOperation, callingOperation } from './calling-operation.js';
import { explainClone } from './clone-failure.js';
import { graceOf } from './grace.js';
import { type ModuleFile, urlOf } from './module-file.js';
import { ownFile } from './own-file.js';
import { ThreadLink } from './thread-link.js';
import type { ThreadCallOptions, ThreadFunction, ThreadOptions } from './thread-options.js';
import type { Envelope } from './wire.js';
import { FILE_READERS, THREAD_READERS } from './worker-readers.js';

/**
 * Calls a function of a module in a worker thread of its own, with the current operation carried
 * over: there, `currentOperation()` has the same id, name, metadata and deadline; a cancel is seen
 * by `throwIfCanceled()` in the middle of a loop, and fires the signal; progress, partial results,
 * `annotate()`, `extend()` and `cancel()` reach the operation here. The thread ends with the
 * function.
 *
 * @param file the module; `new URL('./render.js', import.meta.url)`
 * @param options.name of the export. Default: `'default'`
 * @param options.args cloned into the thread. Default: none
 * @param options.grace after the cancel, before a thread that ignores it is terminated. Default: 5
 * s
 * @returns what the function returns, cloned
 * @throws CancelationError the operation's own, once the thread has stopped; what the function
 * throws, with name, message, code, stack and causes; TypeError when an argument, the metadata or
 * an option cannot be used; Error with code `ERR_THREAD_EXITED` when the thread ended on its own
 * @example
 * // render.ts: export function render(rows: Row[]) { for (…) currentToken().throwIfCanceled(); … }
 * const pdf = await runInThread<typeof render>(new URL('./render.js', import.meta.url), {
 *   name: 'render',
 *   args: [rows],
 * });
 * @publicApi
 */
export function runInThread<Fn extends ThreadFunction = (...args: unknown[]) => unknown>(
  file: ModuleFile,
  options: ThreadCallOptions<Parameters<Fn>> = {},
): Promise<Awaited<ReturnType<Fn>>> {
  return begin('runInThread()', file, options, 'default') as Promise<Awaited<ReturnType<Fn>>>;
}

/**
 * Runs a file as a worker thread of its own, with the current operation carried over as
 * `runInThread()` does it. It lasts until the thread has nothing left to do.
 *
 * @param options.grace after the cancel, before a thread that ignores it is terminated. Default: 5
 * s
 * @returns the exit code of the thread
 * @throws CancelationError the operation's own, once the thread has stopped; what the file throws
 * @example
 * await runFileInThread(new URL('./reindex.js', import.meta.url), {
 *   worker: { workerData: { city } },
 * });
 * @publicApi
 */
export function runFileInThread(file: ModuleFile, options: ThreadOptions = {}): Promise<number> {
  return begin('runFileInThread()', file, options, false) as Promise<number>;
}

function begin(
  where: string,
  file: ModuleFile,
  given: ThreadCallOptions<readonly unknown[]>,
  defaultName: string | false,
): Promise<unknown> {
  try {
    const readers = defaultName === false ? FILE_READERS : THREAD_READERS;
    const options = readOptions(given, where, readers);
    const { name = defaultName, args = [], transfer = [] } = options;
    const url = urlOf(file, where);
    const what = `the thread of ${url.split('/').at(-1)}`;
    const thread = new Thread(callingOperation(), what, graceOf(options.grace));
    return thread.start(where, options, { file: url, name, args }, transfer);
  } catch (error) {
    return Promise.reject(error);
  }
}

type Task = Pick<Envelope, 'file' | 'name' | 'args'>;

class Thread {
  private readonly link: ThreadLink;
  private worker: Worker | undefined = undefined;
  /** Nothing caught it, in the thread. */
  private crash: { readonly error: unknown } | undefined = undefined;

  constructor(
    private readonly caller: CallingOperation | undefined,
    private readonly what: string,
    grace: number,
  ) {
    this.link = new ThreadLink(caller, what, grace, {
      outcome: () => this.stop(),
      giveUp: () => this.stop(),
    });
  }

  start(
    where: string,
    { worker: settings = {} }: ThreadOptions,
    task: Task,
    transfer: readonly object[],
  ): Promise<unknown> {
    const { link } = this;
    const { flag, port, operation } = link;
    const promise = new Promise<unknown>((resolve, reject) => {
      try {
        const worker = (this.worker = new Worker(ownFile('thread'), {
          ...(settings as ConstructorParameters<typeof Worker>[1]),
        }));
        worker.once('error', (error) => (this.crash = { error }));
        worker.once('exit', (code) => this.ended(code, task, resolve, reject));
        const envelope: Envelope = { ...task, flag, port, operation };
        worker.postMessage(envelope, [port, ...(transfer as TransferListItem[])]);
      } catch (error) {
        link.close();
        this.stop();
        reject(explainClone(error, where, this.caller?.state, task.args));
      }
    });
    link.quieten(promise);
    return promise;
  }

  private stop(): void {
    void this.worker?.terminate();
  }

  private ended(
    code: number,
    { name }: Task,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    const { link } = this;
    link.close();
    const { outcome, canceled } = link;
    if (outcome !== undefined && 'value' in outcome) return resolve(outcome.value);
    if (outcome !== undefined) return reject(link.failure(outcome.error, outcome.canceled));
    if (canceled !== undefined) return reject(canceled);
    if (this.crash !== undefined) return reject(this.crash.error);
    if (name === false) return resolve(code);
    reject(
      Object.assign(new Error(`${this.what} exited with code ${code} before it was done`), {
        code: 'ERR_THREAD_EXITED',
      }),
    );
  }
}
