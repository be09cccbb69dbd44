import { startWithout } from '../support/start-without.js';

await startWithout('@opentelemetry/api', async () => {
  const { opentelemetry } = await import('nestjs-cancelable/opentelemetry');
  return opentelemetry();
});
