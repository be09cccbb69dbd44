export { natsBus, type NatsBusOptions, type NatsLeaseOptions } from './nats-bus.js';
