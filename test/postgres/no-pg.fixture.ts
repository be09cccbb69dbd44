import { hidePackage } from '../support/hide-package.js';
import { startWithout } from '../support/start-without.js';

hidePackage('postgres');
await startWithout('pg', async () => {
  const { postgres } = await import('nestjs-cancelable/postgres');
  return postgres();
});
