export { callerOperationId } from '../transports/rpc/carried.js';
export { CancelationController } from './cancelation.controller.js';
export { microservices, type MicroservicesOptions } from './microservices-extension.js';
