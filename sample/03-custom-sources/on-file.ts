import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { CancelationSource } from 'nestjs-cancelable';

/** Cancels when a file is written, or comes into being. */
export function onFile(path: string): CancelationSource {
  return {
    name: `file ${basename(path)}`,
    start(trigger) {
      const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
        if (name === basename(path)) trigger();
      });
      watcher.on('error', (cause) => trigger({ message: 'the file cannot be watched', cause }));
      return () => watcher.close();
    },
  };
}
