import * as z from 'zod';

const bits = (low: number, high: number) => z.int().min(low).max(high);

const bias = z
  .strictObject({
    bits: z.literal([8, 16, 32]).describe('width of a bias code'),
    scale: z
      .enum(['product', 'power-of-two', 'free'])
      .describe(
        'product: s_x * s_w; power-of-two: that times a power of two, so that a shift aligns it; free: its own',
      ),
    granularity: z.enum(['per-channel', 'per-tensor']).describe('one scale for each output channel, or one'),
  })
  .describe('the form in which the device holds a bias; left out, it is taken as the model has it');

const accumulator = z
  .strictObject({
    bits: bits(2, 64).describe('width of the signed accumulator'),
    overflow: z.enum(['wrap', 'saturate', 'error']).describe('what a sum beyond the width becomes'),
    at: z.enum(['mac', 'tile', 'end']).describe('when the width is enforced'),
    sum: z
      .enum(['centred', 'raw'])
      .describe('centred: (q_x - z_x)(q_w - z_w) is summed; raw: q_x q_w, zero points are corrected behind'),
    bias: z
      .enum(['apart', 'inside'])
      .describe('inside: the accumulator begins at the bias; apart: it is added behind, in 32 bits'),
  })
  .partial()
  .describe('the register that products are summed in');

const tile = z
  .strictObject({
    size: z.int().positive().describe('products of one tile, e.g. the wavelengths of a photonic core'),
    order: z
      .enum(['channel-first', 'kernel-first'])
      .optional()
      .describe('channel-first walks (c, kh, kw) as weights are stored; kernel-first (kh, kw, c)'),
  })
  .describe('how many products are summed at once, and in which order');

const requantize = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('float') }),
    z.strictObject({
      kind: z.literal('fixed-point'),
      rounding: z.enum(['single', 'double']).describe('double: gemmlowp; single: one shift, ties up'),
      bits: bits(8, 31).optional().describe('bits of the multiplier; 31 for double rounding'),
    }),
    z.strictObject({
      kind: z.literal('power-of-two'),
      rounding: z.enum(['half-even', 'half-up', 'floor']).optional(),
    }),
    z.strictObject({ kind: z.literal('thresholds') }),
  ])
  .describe('how an accumulator becomes an output code');

const range = z.union([
  z.strictObject({ kind: z.literal('worst-case') }),
  z.strictObject({ kind: z.literal('calibrated') }),
  z.strictObject({ kind: z.literal('fixed'), value: z.number().positive() }),
]);

const converter = (what: string) =>
  z
    .strictObject({ bits: bits(1, 16), range: range.optional().describe('largest magnitude, in code units') })
    .describe(what);

const sigma = z.number().nonnegative();

const noise = z
  .union([
    z.strictObject({ place: z.literal('weights'), kind: z.enum(['additive', 'proportional']), sigma }),
    z.strictObject({
      place: z.literal('inputs'),
      kind: z.enum(['additive', 'proportional']),
      sigma,
      at: z.enum(['before-dac', 'after-dac']).optional(),
    }),
    z.strictObject({
      place: z.literal('sum'),
      kind: z.literal('full-scale'),
      sigma,
      at: z.enum(['before-adc', 'after-adc']).optional(),
    }),
    z.strictObject({
      place: z.literal('sum'),
      kind: z.literal('enob'),
      bits: z.number().positive(),
      at: z.enum(['before-adc', 'after-adc']).optional(),
    }),
    z.strictObject({
      place: z.literal('sum'),
      kind: z.literal('snr'),
      decibels: z.number(),
      at: z.enum(['before-adc', 'after-adc']).optional(),
    }),
    z.strictObject({
      place: z.literal('sum'),
      kind: z.literal('leakage'),
      probability: z.number().gt(0).lt(1),
      bits: bits(1, 16)
        .optional()
        .describe('levels that it is a leakage between; those of the ADC by default'),
      at: z.enum(['before-adc', 'after-adc']).optional(),
    }),
    z.strictObject({
      place: z.enum(['weights', 'inputs', 'sum']),
      kind: z.literal('plugin'),
      source: z.string().describe('the name of a noise source that a plugin registered'),
      parameters: z.record(z.string(), z.number()).optional(),
    }),
  ])
  .describe('one source of noise, its place in the chain, and its strength');

const operatorShape = {
  inputBits: bits(1, 16).optional().describe('widest activation codes that its multipliers take'),
  weightBits: bits(1, 16).optional().describe('widest weight codes that its multipliers take'),
  outputBits: bits(1, 16).optional().describe('widest codes that it gives out'),
  bias: bias.optional(),
  accumulator: accumulator.optional(),
  tile: tile.optional(),
  pairs: z
    .enum(['saturate-16'])
    .optional()
    .describe('adjacent products are added in saturating 16 bits first, as VPMADDUBSW does'),
  requantize: requantize.optional(),
  dac: converter('quantizes inputs on their way into the analog core').optional(),
  adc: converter('quantizes each tile on its way out of the analog core').optional(),
  noise: z.array(noise).optional(),
};

const operator = z.strictObject(operatorShape);

/** The classes of operators that a device may treat in different ways. */
export const OPERATOR_CLASSES = ['conv', 'depthwise', 'linear', 'matmul', 'pool', 'elementwise'] as const;

/** The schema of a hardware description; unknown keys are errors. */
export const hardwareSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z.string().min(1),
  description: z.string().optional(),
  sources: z.array(z.string()).optional().describe('where the figures come from'),
  seed: z.int().nonnegative().optional().describe('seed of the first run; run k uses seed + k'),
  ...operatorShape,
  operators: z
    .strictObject(
      Object.fromEntries(OPERATOR_CLASSES.map((name) => [name, operator.optional()])) as Record<
        (typeof OPERATOR_CLASSES)[number],
        z.ZodOptional<typeof operator>
      >,
    )
    .optional()
    .describe('what differs in one class of operators'),
});

/** A hardware description, as JSON or TypeScript. */
export type HardwareConfig = z.infer<typeof hardwareSchema>;

/** A source of noise of a hardware description. */
export type NoiseConfig = z.infer<typeof noise>;

/** How large a converter's full scale is. */
export type RangeConfig = z.infer<typeof range>;

/** How accumulators become codes. */
export type RequantizeConfig = z.infer<typeof requantize>;

/** The form in which a device holds biases. */
export type BiasConfig = z.infer<typeof bias>;

/** The JSON Schema of a hardware file, as it is published in `docs/reference/hardware.schema.json`. */
export function hardwareJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(hardwareSchema), title: 'Bitwright hardware description' };
}
