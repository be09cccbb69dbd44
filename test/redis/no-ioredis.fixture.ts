import { startWithout } from '../support/start-without.js';

await startWithout('ioredis', async () => {
  const { redisCommands } = await import('nestjs-cancelable/redis');
  return redisCommands();
});
