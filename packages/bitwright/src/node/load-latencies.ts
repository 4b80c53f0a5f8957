import { BitwrightError, describeThrown, didYouMean } from '@bitwright/core';
import { readFileBytes } from '@bitwright/core/node';
import type { LatencyTable } from '@bitwright/quantize';
import * as z from 'zod';

const times = z.record(
  z.string().regex(/^(\d+|W\d+A\d+)$/, 'A width is written as 4, or as W4A8'),
  z.number().positive(),
);
const schema = z.strictObject({
  layers: z.record(z.string(), times).optional(),
  operators: z
    .record(z.string(), z.strictObject({ fixed: z.number().nonnegative().optional(), perMillionMacs: times }))
    .optional(),
});

/**
 * The times of a device's layers, from a JSON file or as they are.
 *
 * @throws LATENCY_INVALID with the place in the file.
 */
export function loadLatencies(table: string | LatencyTable): LatencyTable {
  const name = typeof table === 'string' ? table : 'the latency table';
  const parsed = schema.safeParse(typeof table === 'string' ? readJson(table) : table);
  if (parsed.success) return parsed.data as LatencyTable;
  const [issue] = parsed.error.issues;
  const unknown = issue!.code === 'unrecognized_keys' ? issue!.keys[0] : undefined;
  const place = [...issue!.path.map(String), ...(unknown === undefined ? [] : [unknown])].join('.');
  const known = issue!.path.length === 0 ? ['layers', 'operators'] : ['fixed', 'perMillionMacs'];
  throw invalid(
    name,
    `at '${place || 'its top'}': ${unknown === undefined ? issue!.message : `'${unknown}' is not a key there`}`,
    unknown === undefined ? 'Correct this value.' : didYouMean(unknown, known),
  );
}

function readJson(path: string): unknown {
  const bytes = readFileBytes(path);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (thrown) {
    throw invalid(path, `as JSON: ${describeThrown(thrown)}`, 'Write one JSON object.');
  }
}

function invalid(name: string, what: string, hint: string): BitwrightError {
  return new BitwrightError({
    code: 'LATENCY_INVALID',
    message: `'${name}' is not valid ${what}.`,
    hint,
    at: { file: name, option: '--latency' },
  });
}
