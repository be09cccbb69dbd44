import { startWithout } from '../support/start-without.js';

await startWithout('prom-client', async () => {
  const { prometheus } = await import('nestjs-cancelable/prometheus');
  return prometheus();
});
