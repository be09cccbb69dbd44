export { outgoingHttp } from './outgoing-http.js';
export type { OutgoingDeadlinesOptions, OutgoingHttpOptions } from './outgoing-options.js';
