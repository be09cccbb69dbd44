/**
 * The part of BullMQ's worker that is touched: whether its jobs get a signal is decided when it is
 * made.
 */
interface WorkerPrototype {
  run: (this: never) => Promise<void>;
}

interface WorkerState {
  processorAcceptsSignal?: boolean;
}

/**
 * A worker looks at the `length` of its processor, which @nestjs/bullmq hides for request-scoped
 * ones: with this, every worker that begins to run gives its jobs a signal.
 *
 * @param onRun called with each worker that begins to run
 * @returns takes it back
 */
export function letProcessorsTakeSignals<Worker extends WorkerPrototype>(
  prototype: Worker,
  onRun: (worker: Worker) => void,
): () => void {
  const { run } = prototype;
  let isOn = true;
  const patched = function (this: Worker & WorkerState): Promise<void> {
    if (isOn) {
      this.processorAcceptsSignal = true;
      onRun(this);
    }
    return run.call(this as never);
  };
  prototype.run = patched;
  return () => {
    isOn = false;
    // Somebody else may have put something on top: then this one only steps aside.
    if (prototype.run === patched) prototype.run = run;
  };
}
