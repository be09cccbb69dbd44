import { closeAfterTest } from '../support/close-after-test.js';
import { Observer } from './server.js';

/** An observer that is closed after the test. */
export async function observe(port: number): Promise<Observer> {
  const observer = await Observer.connect(port);
  closeAfterTest(() => observer.close());
  return observer;
}
