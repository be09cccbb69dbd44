export { mysql } from './mysql-extension.js';
