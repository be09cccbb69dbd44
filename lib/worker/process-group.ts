import type { ChildProcess } from 'node:child_process';

/** Windows has no process groups: there, only the process itself can be reached. */
const GROUPS = process.platform !== 'win32';

/** Options with which a process leads a group of its own. */
export const groupOptions: { readonly detached: boolean } = { detached: GROUPS };

/**
 * Sends a signal to a process and to all that it has started.
 *
 * @returns whether anything was there to get it
 */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  const { pid } = child;
  if (pid === undefined) return false;
  if (!GROUPS) return child.kill(signal);
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Whether any of them is still there. */
export function groupExists(child: ChildProcess): boolean {
  return GROUPS && signalGroup(child, 0);
}

const running = new Set<ChildProcess>();

/** A group of its own does not hear what this process's terminal says: it must not outlive it. */
export function endWithProcess(child: ChildProcess): void {
  if (running.size === 0) process.on('exit', endAll);
  running.add(child);
}

export function forget(child: ChildProcess): void {
  if (running.delete(child) && running.size === 0) process.off('exit', endAll);
}

function endAll(): void {
  for (const child of running) signalGroup(child, 'SIGTERM');
}
