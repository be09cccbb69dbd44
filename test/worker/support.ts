import type { Operation, OperationProgress } from 'nestjs-cancelable';

export const functions = new URL('thread-functions.ts', import.meta.url);

/** Flags with which a thread of plain Node loads TypeScript. */
export const execArgv = ['--import', new URL('../support/typescript.mjs', import.meta.url).href];
export const worker = { execArgv };

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
