import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DOCUMENTS, jsonSchemaText } from './documents.js';

it.each(Object.keys(DOCUMENTS) as (keyof typeof DOCUMENTS)[])(
  'publishes the schema of the %s document',
  async (name) => {
    const published = join(import.meta.dirname, `../schema/${name}.schema.json`);
    await expect(jsonSchemaText(name)).toMatchFileSnapshot(published);
  },
);
