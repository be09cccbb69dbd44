import { fileURLToPath, pathToFileURL } from 'node:url';
import { compiled } from '../support/plain-node.js';

const folder = new URL('../../lib/worker/', import.meta.url);

/** Stands in for lib/worker/own-file.ts in jest: a thread starts with the compiled copy. */
export function ownFile(name: 'thread' | 'pool-task'): URL {
  return pathToFileURL(compiled(new URL(`${name}.ts`, folder)));
}

export function ownPath(name: 'thread' | 'pool-task'): string {
  return fileURLToPath(ownFile(name));
}
