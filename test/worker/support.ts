import { pathToFileURL } from 'node:url';
import type { Operation, OperationProgress } from 'nestjs-cancelable';
import { compiled } from '../support/plain-node.js';

/** Compiled: a thread of plain Node would need longer to load the sources. */
export const functions = pathToFileURL(compiled(new URL('thread-functions.ts', import.meta.url)));

/** Resolves when the work has reported so. */
export function reported(operation: Operation, message: string): Promise<OperationProgress> {
  return new Promise((resolve) => {
    if (operation.progress?.message === message) return resolve(operation.progress);
    const stop = operation.onProgress((progress) => {
      if (progress.message !== message) return;
      stop();
      resolve(progress);
    });
  });
}

/** What a thread waits at, deaf to everything else. */
export function gate() {
  const buffer = new SharedArrayBuffer(4);
  const state = new Int32Array(buffer);
  return {
    buffer,
    open: () => {
      Atomics.store(state, 0, 1);
      Atomics.notify(state, 0);
    },
  };
}
