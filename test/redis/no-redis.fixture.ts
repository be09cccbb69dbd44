import { startWithout } from '../support/start-without.js';

await startWithout('redis', async () => {
  const { redisCommands } = await import('nestjs-cancelable/redis');
  return redisCommands();
});
