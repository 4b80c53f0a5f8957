import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { backendJsonSchema, backendTableSchema } from './backend-schema.js';
import { assertBackend, parseBackend } from './parse-backend.js';

const TEXT = `{
  // a comment
  "name": "own",
  "description": "Own.",
  "entries": [
    { "pattern": ["Conv", "Rellu"],
      "dtypes": [{ "input": { "bits": [8], "symetric": true } }] }
  ]
}
`;

const places = (text: string) =>
  parseBackend(text).findings.map(({ code, line, column }) => `${code} ${line}:${column}`);

it('names line and column of each finding', () => {
  expect(places(TEXT)).toEqual(['BACKEND_KEY_UNKNOWN 7:44']);
  expect(places(TEXT.replace('symetric', 'symmetric'))).toEqual(['BACKEND_OPERATOR_UNKNOWN 6:27']);
  expect(places(TEXT.replace('symetric', 'symmetric').replace('Rellu', 'Relu'))).toEqual([]);
});

it('names the place where the text is not JSON', () => {
  expect(places('{\n  "name": "own",\n}')).toEqual(['BACKEND_SYNTAX 3:1']);
  expect(places('')).toEqual(['BACKEND_SYNTAX 1:1']);
  expect(places('[]')).toEqual(['BACKEND_VALUE 1:1']);
});

it('finds a key that stands twice', () => {
  expect(places('{ "name": "own",\n "name": "two", "description": "O.", "entries": [] }')).toEqual([
    'BACKEND_KEY_TWICE 2:2',
  ]);
});

it('refuses to use a table with errors, naming file, line and how many there are', () => {
  expect(() => assertBackend(parseBackend(TEXT), 'own.json')).toThrow(
    expect.objectContaining({
      code: 'BACKEND_INVALID',
      message: expect.stringContaining("'own.json' can't be used, line 7: BACKEND_KEY_UNKNOWN"),
      at: { file: 'own.json' },
    }),
  );
  const text = TEXT.replace('symetric', 'symmetric').replace('Rellu', 'Relu');
  expect(assertBackend(parseBackend(text), 'own.json').name).toBe('own');
});

it('publishes a JSON Schema that says what the checker checks', () => {
  const published = JSON.parse(readFileSync(new URL('../backend.schema.json', import.meta.url), 'utf8'));
  expect(published, 'run: npm run schema -w @bitwright/backends').toEqual(backendJsonSchema());
  expect(Object.keys(published.properties)).toEqual(Object.keys(backendTableSchema.shape));
  expect(published.required).toEqual(['name', 'description', 'entries']);
});
