import { clamp, roundHalfEven } from '@bitwright/core';
import type { BiasConfig } from '../hardware/hardware-schema.js';
import type { IntegerBias } from './integer-network.js';

/** A bias as the model has it: codes with a scale, or floats. */
export type ModelBias =
  | {
      readonly kind: 'codes';
      readonly codes: Int32Array;
      readonly scale: Float32Array;
      readonly bits: number;
    }
  | { readonly kind: 'float'; readonly values: Float32Array };

/**
 * Puts a bias into the form of the device and aligns it with the accumulator:
 *
 *     B_c = round_half_even(q_b * s_b / fl32(s_x * s_w[c]))
 *
 * in double precision, once, at compile time. With the scale `product` s_b = s_x s_w[c], so that B_c = q_b. With
 * `power-of-two` s_b = s_x s_w[c] * 2^k for the least k >= 0 that makes every code fit, so that B_c = q_b << k. With `free`
 * s_b = max|b| / (2^(bits-1) - 1) and B_c takes a multiplication. Codes beyond the width are clipped.
 *
 * @param product fl32(s_x * s_w[c]), one for each channel.
 * @param form the device's form; left out, the model's own.
 */
export function alignBias(bias: ModelBias, product: Float32Array, form: BiasConfig | undefined): IntegerBias {
  if (form === undefined && bias.kind === 'codes') {
    const codes = Float64Array.from(bias.codes);
    return aligned(bias.bits, codes, bias.scale, product);
  }
  const { bits, scale, granularity } = form ?? {
    bits: 32,
    scale: 'product' as const,
    granularity: 'per-channel' as const,
  };
  const values = realValues(bias, product.length);
  const largest = 2 ** (bits - 1) - 1;
  const scales = scalesFor(values, product, largest, scale, granularity);
  const codes = values.map((value, channel) =>
    clamp(roundHalfEven(value / scales[scales.length === 1 ? 0 : channel]!), -largest - 1, largest),
  );
  return aligned(bits, codes, scales, product);
}

function aligned(bits: number, codes: Float64Array, scale: Float32Array, product: Float32Array): IntegerBias {
  const values = codes.map((code, channel) =>
    roundHalfEven((code * scale[scale.length === 1 ? 0 : channel]!) / product[channel]!),
  );
  return { bits, codes, scale, aligned: values };
}

function realValues(bias: ModelBias, channels: number): Float64Array {
  if (bias.kind === 'float') {
    const { values } = bias;
    return Float64Array.from({ length: channels }, (_, i) => values[values.length === 1 ? 0 : i]!);
  }
  const { codes, scale } = bias;
  return Float64Array.from(codes, (code, i) => code * scale[scale.length === 1 ? 0 : i]!);
}

function scalesFor(
  values: Float64Array,
  product: Float32Array,
  largest: number,
  scale: BiasConfig['scale'],
  granularity: BiasConfig['granularity'],
): Float32Array {
  if (scale === 'product') return product;
  if (scale === 'free') {
    const least = 2 ** -126;
    if (granularity === 'per-channel')
      return Float32Array.from(values, (value) => Math.max(Math.abs(value) / largest, least));
    return Float32Array.of(
      Math.max(values.reduce((m, value) => Math.max(m, Math.abs(value)), 0) / largest, least),
    );
  }
  const shifts = Array.from(values, (value, channel) => {
    const needed = Math.abs(value) / product[channel]!;
    let shift = 0;
    while (roundHalfEven(needed / 2 ** shift) > largest) shift++;
    return shift;
  });
  const common = shifts.reduce((most, shift) => Math.max(most, shift), 0);
  return product.map(
    (one, channel) => one * 2 ** (granularity === 'per-channel' ? shifts[channel]! : common),
  );
}
