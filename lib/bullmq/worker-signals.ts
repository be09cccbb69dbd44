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
 * @returns takes it back
 */
export function letProcessorsTakeSignals(prototype: WorkerPrototype): () => void {
  const { run } = prototype;
  let isOn = true;
  const patched = function (this: WorkerState): Promise<void> {
    if (isOn) this.processorAcceptsSignal = true;
    return run.call(this as never);
  };
  prototype.run = patched;
  return () => {
    isOn = false;
    // Somebody else may have put something on top: then this one only steps aside.
    if (prototype.run === patched) prototype.run = run;
  };
}
