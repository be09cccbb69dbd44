import { startWithout } from '../support/start-without.js';

await startWithout('@nestjs/microservices', async () => {
  const { microservices } = await import('nestjs-cancelable/microservices');
  return microservices();
});
