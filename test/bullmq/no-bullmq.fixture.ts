import { startWithout } from '../support/start-without.js';

await startWithout('bullmq', async () => {
  const { bullmq } = await import('nestjs-cancelable/bullmq');
  return bullmq();
});
