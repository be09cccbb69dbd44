import { hidePackage } from '../support/hide-package.js';
import { printOpening } from '../support/print-opening.js';

hidePackage('@nats-io/transport-node');
const { natsBus } = await import('nestjs-cancelable/nats');
await printOpening(natsBus({ servers: 'localhost' }));
