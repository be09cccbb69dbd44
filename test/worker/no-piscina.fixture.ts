import { hidePackage } from '../support/hide-package.js';

hidePackage('piscina');

const { createThreadPool, runInThread } = await import('nestjs-cancelable/worker');
const message = await createThreadPool().catch((error: Error) => error.message);
console.log(JSON.stringify({ message, loaded: typeof runInThread }));
