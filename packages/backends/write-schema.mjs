// Writes backend.schema.json from the schema in src/backend-schema.ts; run it after a build when that has changed.
import { writeFileSync } from 'node:fs';
import { backendJsonSchema } from './dist/checker.js';

const file = new URL('backend.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(backendJsonSchema(), undefined, 2)}\n`);
