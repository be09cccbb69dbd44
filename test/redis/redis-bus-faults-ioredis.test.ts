import { redisBus } from 'nestjs-cancelable/redis';
import { describeFaults } from './bus-faults.js';

describeFaults('ioredis 6', (url, tls) => redisBus({ url, ...(tls && { tls }) }));
