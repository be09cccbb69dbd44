import { fileURLToPath } from 'node:url';

/** A file of this folder, for those who start threads with it. */
export function ownFile(name: 'thread' | 'pool-task'): URL {
  return new URL(`./${name}.js`, import.meta.url);
}

export function ownPath(name: 'thread' | 'pool-task'): string {
  return fileURLToPath(ownFile(name));
}
