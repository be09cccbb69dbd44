import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Stops a process as a debugger does. Resolves once it is stopped: a signal takes its time. */
export async function freezeProcess(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  while (stateOf(child.pid) !== 'T') await new Promise(setImmediate);
}

/** Where there is no /proc, the signal is trusted. */
function stateOf(pid: number | undefined): string {
  try {
    // The name of the program stands in brackets, and may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')[0] as string;
  } catch {
    return 'T';
  }
}
