import { dirname, resolve } from 'node:path';
import { BIAS_FORMS, SCHEMES } from '@bitwright/backends';
import { BitwrightError, describeThrown, didYouMean } from '@bitwright/core';
import { readFileBytes } from '@bitwright/core/node';
import * as z from 'zod';
import type { BitwrightConfig } from '../config.js';
import { GRANULARITIES, WEIGHT_FORMS } from '../quantize-options.js';
import { loadPlugins } from './load-plugins.js';

/**
 * Reads a configuration file: JSON, or TypeScript/JavaScript with a default export.
 *
 * @throws CONFIG_INVALID naming the file and the key.
 */
export async function loadConfig(path: string): Promise<BitwrightConfig> {
  const raw = path.endsWith('.json') ? parseJson(path) : await importDefault(path);
  const override = overrideSchema();
  const overrides = z.record(z.string(), override);
  const mapping = z.strictObject({
    tensors: z.record(z.string(), z.string()),
    names: overrides,
    first: override,
    last: override,
    depths: overrides,
    opTypes: overrides,
  });
  const schema = z.strictObject({
    bits: z.string(),
    requantize: z.boolean(),
    data: z.string(),
    samples: z.number(),
    backend: z.union([z.string(), z.record(z.string(), z.unknown())]),
    scheme: z.enum(SCHEMES),
    method: z.string(),
    dialect: z.enum(['auto', 'qdq', 'qcdq', 'native', 'qonnx']),
    bias: z.enum(BIAS_FORMS),
    granularity: z.enum(GRANULARITIES),
    weights: z.enum(WEIGHT_FORMS),
    observer: z.string(),
    weightObserver: z.enum(['mse', 'min-max']),
    rounding: z.string(),
    correct: z.array(z.string()),
    equalize: z.boolean(),
    powerOfTwo: z.boolean(),
    reduceRange: z.boolean(),
    mapping: mapping.partial(),
    accumulatorBits: z.number(),
    keepFloat: z.array(z.string()),
    memory: z.union([z.number(), z.string()]),
    workers: z.number(),
    seed: z.number(),
    ranges: z.string(),
    saveRanges: z.string(),
    allowPairSaturation: z.boolean(),
    provenance: z.boolean(),
    budget: z.string(),
    latency: z.union([z.string(), z.record(z.string(), z.unknown())]),
    maxDrop: z.string(),
    evaluation: z.string(),
    plugins: z.array(z.string()),
  });
  const parsed = schema.partial().safeParse(raw);
  if (!parsed.success) throw configError(path, parsed.error.issues[0]!, Object.keys(schema.shape));
  const { plugins, ...config } = parsed.data;
  const loaded = plugins === undefined ? undefined : await loadPlugins(plugins, dirname(resolve(path)));
  return defined({ ...config, plugins: loaded }) as BitwrightConfig;
}

/** Without the keys that hold nothing. */
function defined(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

/** What overrides the configuration of single nodes: widths, or some of the choices. */
function overrideSchema() {
  return z.union([
    z.string(),
    z
      .strictObject({
        bits: z.string(),
        weights: z.enum(WEIGHT_FORMS),
        granularity: z.enum(GRANULARITIES),
        bias: z.enum(BIAS_FORMS),
        powerOfTwo: z.boolean(),
        reduceRange: z.boolean(),
      })
      .partial(),
  ]);
}

function configError(
  path: string,
  issue: { path: PropertyKey[]; message: string; keys?: string[] },
  known: string[],
): BitwrightError {
  const unknown = issue.keys?.[0];
  const where = [...issue.path.map(String), ...(unknown === undefined ? [] : [unknown])].join('.');
  return new BitwrightError({
    code: 'CONFIG_INVALID',
    message: `'${path}' is not a valid configuration at '${where || 'its top'}': ${issue.message}.`,
    hint: unknown === undefined ? 'Correct this value.' : didYouMean(unknown, known),
    at: { file: path, option: where },
  });
}

function parseJson(path: string): unknown {
  const text = new TextDecoder().decode(readFileBytes(path));
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

async function importDefault(path: string): Promise<unknown> {
  readFileBytes(path);
  const { createJiti } = await import('jiti');
  try {
    return await createJiti(import.meta.url).import(resolve(path), { default: true });
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

function unreadable(path: string, thrown: unknown): BitwrightError {
  return new BitwrightError({
    code: 'CONFIG_INVALID',
    message: `'${path}' cannot be read as a configuration: ${describeThrown(thrown)}.`,
    hint: 'It must be JSON, or a module with a default export.',
    at: { file: path },
    cause: thrown,
  });
}
