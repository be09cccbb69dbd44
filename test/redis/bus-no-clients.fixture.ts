import { hidePackage } from '../support/hide-package.js';
import { printOpening } from '../support/print-opening.js';

hidePackage('ioredis');
hidePackage('redis');
const { redisBus } = await import('nestjs-cancelable/redis');
await printOpening(redisBus({ url: 'redis://localhost' }));
