import { BitwrightError, didYouMean, findNamed } from '@bitwright/core';
import * as z from 'zod';
import { type HardwareConfig, hardwareSchema } from './hardware-schema.js';
import { PRESETS } from './presets.js';

interface Issue {
  readonly code?: string | undefined;
  readonly expected?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
}

/**
 * Checks a hardware description.
 *
 * @param name the file or preset that it came from, for messages.
 * @throws HARDWARE_INVALID with the path in the file and, for an unknown key, the nearest known one.
 */
export function parseHardware(raw: unknown, name: string): HardwareConfig {
  const parsed = hardwareSchema.safeParse(raw);
  if (!parsed.success) throw issueError(deepest(parsed.error.issues[0] as Issue, raw), raw, name);
  assertNoiseFits(parsed.data, name);
  return parsed.data;
}

/** A preset by its name. @throws HARDWARE_UNKNOWN (wrong usage) with the nearest name. */
export function findHardware(name: string): HardwareConfig {
  return findNamed(name, PRESETS, {
    code: 'HARDWARE_UNKNOWN',
    message: `No hardware is called '${name}', and there is no such file.`,
    option: '--hardware',
  });
}

function assertNoiseFits(config: HardwareConfig, name: string): void {
  const levels = [
    { at: '', part: config },
    ...Object.entries(config.operators ?? {}).map(([key, part]) => ({ at: `operators.${key}.`, part })),
  ];
  for (const { at, part } of levels) {
    for (const [index, noise] of (part?.noise ?? []).entries()) {
      const path = `${at}noise.${index}`;
      const adc = part?.adc ?? config.adc;
      if (noise.kind === 'leakage' && noise.bits === undefined && adc === undefined)
        throw invalid(
          name,
          path,
          'leakage is between levels, and there is no ADC that has some',
          'Add "bits" or an "adc".',
        );
    }
    const { requantize } = part ?? {};
    if (
      requantize?.kind === 'fixed-point' &&
      requantize.rounding === 'double' &&
      (requantize.bits ?? 31) !== 31
    )
      throw invalid(
        name,
        `${at}requantize.bits`,
        'double rounding is defined for 31 bits',
        'Leave "bits" out.',
      );
  }
}

function issueError(issue: Issue, raw: unknown, name: string): BitwrightError {
  const path = issue.path.map(String);
  const [unknown] = issue.keys ?? [];
  if (unknown !== undefined) {
    const here = valueAt(raw, issue.path);
    const known = knownKeys(issue.path, here);
    return invalid(
      name,
      [...path, unknown].join('.'),
      `'${unknown}' is not a key there`,
      known.length > 0 ? didYouMean(unknown, known) : 'Leave it out.',
    );
  }
  const last = path.at(-1);
  if (last === 'place' || (path[0] === 'noise' && issue.message.includes('place')))
    return invalid(
      name,
      path.join('.'),
      'a noise needs the place where it acts',
      'Write "place": "weights", "inputs" or "sum".',
    );
  if (last !== undefined && issue.code === 'invalid_type' && valueAt(raw, issue.path) === undefined)
    return invalid(name, path.join('.'), `'${last}' is missing there`, `Add "${last}" (${issue.expected}).`);
  return invalid(
    name,
    path.join('.') || 'its top',
    issue.message,
    'Correct this value; see docs/reference/hardware.md.',
  );
}

/** Follows the alternative of a union that says most: the one whose own literals match what was written. */
function deepest(issue: Issue, raw: unknown): Issue {
  if (issue.errors === undefined || issue.errors.length === 0) return issue;
  const here = valueAt(raw, issue.path) as Record<string, unknown> | undefined;
  if (
    typeof here === 'object' &&
    here !== null &&
    issue.path.includes('noise') &&
    here['place'] === undefined
  )
    return { path: [...issue.path, 'place'], message: 'place is missing' };
  const ranked = issue.errors
    .map((errors) => ({ errors, misses: errors.filter(isLiteralMiss).length }))
    .sort((a, b) => a.misses - b.misses || a.errors.length - b.errors.length);
  const first = ranked[0]?.errors[0];
  if (first === undefined) return issue;
  return deepest({ ...first, path: [...issue.path, ...first.path] }, raw);
}

function isLiteralMiss(issue: Issue): boolean {
  return issue.code === 'invalid_value' && (issue.path.at(-1) === 'place' || issue.path.at(-1) === 'kind');
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let here = raw;
  for (const key of path) here = (here as Record<PropertyKey, unknown> | undefined)?.[key];
  return here;
}

/** The keys that the schema knows at a path; a union knows those of the alternative that fits the value's kind. */
function knownKeys(path: readonly PropertyKey[], here: unknown): string[] {
  let schema: z.ZodType = hardwareSchema;
  for (const key of path) schema = child(unwrap(schema, undefined), key);
  const found = unwrap(schema, here);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

function child(schema: z.ZodType, key: PropertyKey): z.ZodType {
  if (schema instanceof z.ZodObject) return schema.shape[String(key)] as z.ZodType;
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  return schema;
}

function unwrap(schema: z.ZodType, here: unknown): z.ZodType {
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap() as z.ZodType, here);
  if (!(schema instanceof z.ZodUnion)) return schema;
  const options = schema.options as readonly z.ZodType[];
  const kind = (here as { kind?: unknown } | undefined)?.kind;
  const fits = options.find(
    (option) =>
      option instanceof z.ZodObject &&
      (option.shape['kind'] as z.ZodType | undefined)?.safeParse(kind).success,
  );
  return unwrap(fits ?? options[0]!, here);
}

function invalid(name: string, path: string, what: string, hint: string): BitwrightError {
  return new BitwrightError({
    code: 'HARDWARE_INVALID',
    message: `The hardware description '${name}' is not valid at '${path}': ${what}.`,
    hint,
    at: { file: name, option: path },
  });
}
