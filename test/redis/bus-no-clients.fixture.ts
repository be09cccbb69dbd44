import { hidePackage } from '../support/hide-package.js';

hidePackage('ioredis');
hidePackage('redis');
const { redisBus } = await import('nestjs-cancelable/redis');
const host = {
  log: { debug: () => {}, warn: () => {}, error: () => {} },
  onRecovered: () => {},
};
const message = await redisBus({ url: 'redis://localhost' })
  .open(host)
  .then(
    () => 'it opened',
    (error: Error) => error.message,
  );
console.log(JSON.stringify({ message }));
