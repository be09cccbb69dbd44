export { redisBus, type RedisBusOptions } from './redis-bus.js';
export { redisCommands } from './redis-extension.js';
