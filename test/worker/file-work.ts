import { workerData } from 'node:worker_threads';
import { currentOperation } from 'nestjs-cancelable/worker';

/** A file that is the work: it ends when nothing is left to do. */
const operation = currentOperation();
const { mode } = workerData as { mode: string };

if (mode === 'fail') throw new RangeError('at the top');

setTimeout(() => {
  operation.savePartial({ mode, sameLater: currentOperation() === operation });
  if (mode === 'fail later') throw new RangeError('later');
  if (mode === 'exit') process.exit(3);
  if (mode === 'loop') {
    operation.reportProgress('looping');
    for (;;) operation.token.throwIfCanceled();
  }
}, 1);
