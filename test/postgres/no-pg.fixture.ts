import { startWithout } from '../support/start-without.js';

await startWithout('pg', async () => {
  const { postgres } = await import('nestjs-cancelable/postgres');
  return postgres();
});
