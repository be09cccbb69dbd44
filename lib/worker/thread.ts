import { parentPort } from 'node:worker_threads';
import { uncloneableResult } from './clone-failure.js';
import { doFile, doWork } from './thread-work.js';
import type { Envelope } from './wire.js';
import { errorToWire } from './wire-errors.js';

/** The entry file of a thread of `runInThread()`: waits for its envelope. */
parentPort?.once('message', (envelope: Envelope) => {
  void (envelope.name === false ? begin(envelope) : work(envelope));
});

async function work(envelope: Envelope): Promise<void> {
  const { port } = envelope;
  port.ref();
  const result = await doWork(envelope);
  try {
    port.postMessage('type' in result ? result : { type: 'returned', value: result.value });
  } catch (error) {
    const failure = errorToWire(uncloneableResult(error));
    port.postMessage({ type: 'failed', error: failure, canceled: false });
  }
}

async function begin(envelope: Envelope): Promise<void> {
  try {
    await doFile(envelope);
  } catch (error) {
    envelope.port.postMessage({ type: 'failed', error: errorToWire(error), canceled: false });
    process.exit(1);
  }
}
