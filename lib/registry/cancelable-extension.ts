import type { OperationLog } from '../operation/operation-log.js';
import type { OperationRegistry } from './operation-registry.js';
import type { FindPendingWork } from './pending-work.js';

/**
 * What an extension may use.
 *
 * @publicApi
 */
export interface CancelableExtensionHost {
  /** The application's registry. */
  readonly registry: OperationRegistry;
  /** The application's logger. */
  readonly log: OperationLog;
  /**
   * Called when the application begins to drain: stop taking new work from outside. What it
   * throws, or rejects with, is logged; nobody waits for it.
   *
   * @returns removes the listener
   */
  readonly onShutdown: (listener: () => unknown) => () => void;
  /**
   * Called for `registry.cluster.cancel(id)` of whichever instance, when no operation here has that
   * id: look for work that waits outside, or runs in another process. A finder that throws, or takes
   * longer than the call, makes the answer incomplete.
   *
   * @returns removes the finder
   * @example
   * onClusterCancel(async (id) => {
   *   const mail = await outbox.find(id);
   *   if (mail === undefined) return [];
   *   return [{ id, name: 'mail', kind: 'task', cancel: () => outbox.remove(mail) }];
   * });
   */
  readonly onClusterCancel: (find: FindPendingWork) => () => void;
}

/**
 * Integrates a client of the outside world with operations: installed when the application starts,
 * taken back, in reverse order, when it has shut down.
 *
 * @example
 * const mailer: CancelableExtension = {
 *   name: 'mailer',
 *   install() {
 *     const send = client.send;
 *     client.send = (mail) => send.call(client, mail, { signal: currentToken().signal });
 *     return () => { client.send = send; };
 *   },
 * };
 * @publicApi
 */
export interface CancelableExtension {
  /** For messages and logs. */
  readonly name: string;
  /**
   * Begins the integration.
   *
   * @returns takes everything back; may be asynchronous
   */
  install(host: CancelableExtensionHost): Uninstall | void | Promise<Uninstall | void>;
}

/**
 * Takes an extension back; may be asynchronous.
 *
 * @publicApi
 */
export type Uninstall = () => void | Promise<void>;
