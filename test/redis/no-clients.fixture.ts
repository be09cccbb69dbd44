import { hidePackage } from '../support/hide-package.js';
import { startWithout } from '../support/start-without.js';

hidePackage('ioredis');
await startWithout('redis', async () => {
  const { redisCommands } = await import('nestjs-cancelable/redis');
  return redisCommands();
});
