import { describeFaults } from './bus-faults.js';
import { hideIoredis } from './without-ioredis.js';

hideIoredis();
const { redisBus } = await import('nestjs-cancelable/redis');

describeFaults('redis 5', (url, tls) => redisBus({ url, ...(tls && { tls }) }));
