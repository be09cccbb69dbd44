import { hidePackage } from '../support/hide-package.js';

hidePackage('@nats-io/transport-node');
const { natsBus } = await import('nestjs-cancelable/nats');
const host = {
  log: { debug: () => {}, warn: () => {}, error: () => {} },
  onRecovered: () => {},
};
const message = await natsBus({ servers: 'localhost' })
  .open(host)
  .then(
    () => 'it opened',
    (error: Error) => error.message,
  );
console.log(JSON.stringify({ message }));
