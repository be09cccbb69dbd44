export { redisCommands } from './redis-extension.js';
