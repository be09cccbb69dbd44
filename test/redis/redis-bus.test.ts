import { redisBus } from 'nestjs-cancelable/redis';
import { describeBus } from './bus-behaviour.js';

describeBus('an address', (port) => redisBus({ url: `redis://127.0.0.1:${port}` }));
