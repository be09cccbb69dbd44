export { bullmq } from './bullmq-extension.js';
