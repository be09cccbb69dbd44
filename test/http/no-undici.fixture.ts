import { startWithout } from '../support/start-without.js';

await startWithout('undici', async () => {
  const { outgoingHttp } = await import('nestjs-cancelable/http');
  return outgoingHttp();
});
