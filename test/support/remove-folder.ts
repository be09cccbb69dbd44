import { rmSync } from 'node:fs';

/**
 * Removes what a test wrote. Something may come into a folder while it is emptied, of a process that
 * is ending: then it is tried again.
 */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
