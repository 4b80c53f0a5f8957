import * as z from 'zod';

const array = z.string().describe('name of an array in integers.npz');

const grid = z
  .strictObject({ bits: z.int(), min: z.int(), max: z.int(), zeroPoint: z.int(), scale: z.number() })
  .describe('value = (code - zeroPoint) * scale, codes between min and max');

const requantize = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('float'), multiplier: array }),
    z.strictObject({
      kind: z.literal('fixed-point'),
      rounding: z.enum(['single', 'double']),
      multiplier: array,
      shift: array,
    }),
    z.strictObject({
      kind: z.literal('power-of-two'),
      rounding: z.enum(['half-even', 'half-up', 'floor']),
      shift: array,
    }),
    z.strictObject({ kind: z.literal('thresholds'), thresholds: array, count: z.int() }),
    z.strictObject({ kind: z.literal('dequantize'), scale: array }),
  ])
  .describe('from accumulator plus bias to code; dequantize ends in floats');

const golden = z
  .strictObject({ input: array, accumulators: array.optional(), output: array })
  .describe('codes in, accumulators before the bias, codes (or floats) out, for the exported samples');

const layer = z.strictObject({
  index: z.int(),
  name: z.string(),
  kind: z.string(),
  opType: z.string().optional(),
  inputs: z.array(z.string()),
  output: z.string(),
  inputGrid: grid.optional(),
  outputGrid: grid.optional(),
  low: z
    .int()
    .optional()
    .describe('smallest code that the layer gives out, its activation function included'),
  high: z.int().optional(),
  weights: array.optional().describe('codes, [outputs, depth] or [outputs, channels of a group, kernel...]'),
  weightBits: z.int().optional(),
  weightZeroPoint: array.optional(),
  weightScale: array.optional(),
  bias: array.optional().describe('what is added to the accumulator of each output'),
  biasCodes: array.optional(),
  biasScale: array.optional(),
  biasBits: z.int().optional(),
  groups: z.int().optional(),
  strides: z.array(z.int()).optional(),
  dilations: z.array(z.int()).optional(),
  pads: z
    .array(z.int())
    .optional()
    .describe('begins of all spatial axes, then ends; filled with the zero point'),
  kernel: z.array(z.int()).optional(),
  axes: z.array(z.int()).optional(),
  count: z.int().optional().describe('values that a mean divides by; the multiplier holds the division'),
  table: array.optional().describe('output code of each input code, from the smallest on'),
  accumulator: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  requantize: requantize.optional(),
  golden: golden.optional(),
});

/** The schema of `manifest.json` beside exported integers. */
export const manifestSchema = z.strictObject({
  format: z.literal('bitwright-integers'),
  version: z.literal(1),
  model: z.string(),
  hardware: z.string(),
  samples: z.int().describe('samples of the golden vectors'),
  inputs: z.array(z.string()),
  outputs: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  layers: z.array(layer),
});

/** What `export --as integers` says of a network, array by array. */
export type Manifest = z.infer<typeof manifestSchema>;

/** One layer of a manifest. */
export type ManifestLayer = Manifest['layers'][number];

/** The JSON Schema of a manifest, as it is published in `docs/reference/integers.schema.json`. */
export function manifestJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(manifestSchema), title: 'Bitwright exported integers' };
}
