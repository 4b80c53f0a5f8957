/** What checks tables; loaded on demand, since zod and the parser of JSON would cost every command's start. */
export { backendJsonSchema } from './backend-schema.js';
export { checkBackend } from './check-backend.js';
export { assertBackend, parseBackend, unreadableBackend } from './parse-backend.js';
