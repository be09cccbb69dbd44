import { doWork } from './thread-work.js';
import type { Envelope } from './wire.js';

/**
 * The task that a piscina pool runs for `runInPool()`. Values go back through the pool, which knows
 * what its tasks move; errors through the port, which keeps them whole.
 */
export default async function runPoolTask(envelope: Envelope): Promise<unknown> {
  const { port } = envelope;
  port.ref();
  const result = await doWork(envelope);
  port.unref();
  port.removeAllListeners('message');
  if (!('type' in result)) return result.value;
  port.postMessage(result);
  return undefined;
}
