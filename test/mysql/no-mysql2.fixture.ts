import { startWithout } from '../support/start-without.js';

await startWithout('mysql2', async () => {
  const { mysql } = await import('nestjs-cancelable/mysql');
  return mysql();
});
