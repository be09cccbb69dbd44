import { closeAfterTest } from '../support/close-after-test.js';
import { until } from '../support/open-bus.js';
import { newService, startInstances } from './instances.js';
import { PlayedInstance } from './played-instance.js';

/** For answers that somebody will not give. */
export const SOON = { timeout: '300ms' };

/** An instance of this release, and one of another that is played by the test. */
export async function startWithPlayed() {
  const service = newService();
  // Who is played leaves some questions without an answer.
  const [a] = await startInstances(1, { service, timeout: '2s' });
  const played = await PlayedInstance.join(service);
  closeAfterTest(() => played.leave());
  await until(async () => (await a!.registry.cluster.instances(SOON)).expected.length === 2);
  return { ...a!, service, played };
}
