import { Server } from 'node:net';

/** How often it is looked whether the parent is there, in milliseconds. */
const LOOK_EVERY = 25;

/** The parent when it was last seen; whoever starts a daemon ends long before it does. */
let parent = process.ppid;

/** Work came in: whoever is the parent now is the one that may go away. */
export function seeParent(): void {
  parent = process.ppid;
}

/**
 * `nest start --watch` runs an application below a shell, sends SIGTERM to both, and starts the
 * next process as soon as the shell has ended, which is at once. The next one needs the ports of
 * this one, whatever still runs here. Where a process manager ends an application, the parent
 * stays.
 *
 * @param listener called once, when the parent has ended
 * @returns stops looking
 */
export function whenOrphaned(listener: () => void): () => void {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    listener();
  }, LOOK_EVERY);
  timer.unref();
  return () => clearInterval(timer);
}

/** Closes the listeners of this process; connections go on. */
export function freePorts(): void {
  // Nothing documented lists them: microservices and gateways have servers that Nest keeps to
  // itself.
  const handles = process as unknown as { _getActiveHandles?(): unknown[] };
  for (const handle of handles._getActiveHandles?.() ?? []) {
    if (handle instanceof Server && handle.listening) handle.close();
  }
}
