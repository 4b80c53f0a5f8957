/**
 * The one definition of affine quantization:
 *
 *     q = clamp(round_half_even(fl32(x / scale)) + zero_point, quant_min, quant_max)
 *     x_hat = (q - zero_point) * scale      (float32)
 *
 * as ONNX QuantizeLinear and DequantizeLinear define it (onnx/defs/quantization). `torch` mode multiplies by
 * fl32(1/scale) instead of dividing, as PyTorch's fake-quantize kernels do, and exists for parity tests only.
 */

/** The integer codes that a quantized tensor may take. */
export interface QuantGrid {
  readonly bits: number;
  readonly signed: boolean;
  /** Smallest and largest code. */
  readonly quantMin: number;
  readonly quantMax: number;
}

/** Scale and zero point, one each for a tensor or one per index of `axis`. */
export interface QParams extends QuantGrid {
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  /** The channel axis; absent for per-tensor parameters. */
  readonly axis?: number;
}

/** float32 machine epsilon: no scale is smaller than this. */
export const MIN_SCALE = 2 ** -23;

const ROUNDING_SHIFT = 6755399441055744; // 1.5 * 2^52: adding it rounds a double to an integer, ties to even

/** Rounds to the nearest integer, ties to even; exact for |x| < 2^51. */
export function roundHalfEven(x: number): number {
  return Math.abs(x) < 2251799813685248 ? x + ROUNDING_SHIFT - ROUNDING_SHIFT : x;
}

/**
 * The grid of a width.
 *
 * @param narrow drops the lowest code: symmetric around zero for signed grids.
 */
export function quantGrid(bits: number, signed: boolean, narrow = false): QuantGrid {
  const levels = 2 ** bits;
  const quantMin = (signed ? -levels / 2 : 0) + (narrow ? 1 : 0);
  const quantMax = signed ? levels / 2 - 1 : levels - 1;
  return { bits, signed, quantMin, quantMax };
}

/** How a range becomes a scale and a zero point. */
export interface RangeToQParams {
  readonly symmetric: boolean;
  /** Restricts the scale to a power of two, the smallest that does not clip the range. */
  readonly powerOfTwo?: boolean;
}

/**
 * Scale and zero point for a range, with zero always on the grid.
 *
 * affine: scale = (max-min)/(qmax-qmin), zp = clamp(round_half_even(qmin - min/scale));
 * symmetric: scale = max(|min|,|max|) / ((qmax-qmin)/2), zp = 0 (signed) or the middle code.
 */
export function rangeToQParams(
  min: number,
  max: number,
  grid: QuantGrid,
  options: RangeToQParams,
): { scale: number; zeroPoint: number } {
  const low = Math.min(min, 0);
  const high = Math.max(max, 0);
  const span = grid.quantMax - grid.quantMin;
  let scale = options.symmetric ? Math.max(-low, high) / (span / 2) : (high - low) / span;
  if (options.powerOfTwo) scale = powerOfTwoAtLeast(scale);
  scale = Math.max(Math.fround(scale), MIN_SCALE);
  if (options.symmetric) {
    return { scale, zeroPoint: grid.signed ? 0 : Math.floor((grid.quantMin + grid.quantMax + 1) / 2) };
  }
  return {
    scale,
    zeroPoint: clamp(roundHalfEven(grid.quantMin - low / scale), grid.quantMin, grid.quantMax),
  };
}

/** The smallest power of two that is not below x (and at least {@link MIN_SCALE}). */
export function powerOfTwoAtLeast(x: number): number {
  const power = 2 ** Math.max(-23, Math.ceil(Math.log2(x)));
  // log2 is rounded, so that right beside a power of two its ceiling may be one off
  if (power < x) return power * 2;
  return power / 2 >= Math.max(x, MIN_SCALE) ? power / 2 : power;
}

/** x held between low and high. */
export function clamp(x: number, low: number, high: number): number {
  return x < low ? low : x > high ? high : x;
}

/** The code of one float. */
export function quantizeValue(x: number, scale: number, zeroPoint: number, grid: QuantGrid): number {
  return clamp(roundHalfEven(Math.fround(x / scale)) + zeroPoint, grid.quantMin, grid.quantMax);
}

/** The float that a code stands for. */
export function dequantizeValue(code: number, scale: number, zeroPoint: number): number {
  return Math.fround((code - zeroPoint) * scale);
}

/**
 * How the elements of a tensor fall into channels of `axis`: `outer` repeats of `channels` runs of `inner` elements.
 * Per-tensor parameters are one channel.
 */
export function channelLayout(
  dims: readonly number[],
  axis: number | undefined,
): { outer: number; channels: number; inner: number } {
  let outer = 1;
  let inner = 1;
  if (axis === undefined) {
    for (const dim of dims) inner *= dim;
    return { outer: 1, channels: 1, inner };
  }
  for (let i = 0; i < axis; i++) outer *= dims[i]!;
  for (let i = axis + 1; i < dims.length; i++) inner *= dims[i]!;
  return { outer, channels: dims[axis]!, inner };
}

/** The codes of a whole tensor, per tensor or per channel. */
export function quantizeTensor(x: Float32Array, dims: readonly number[], qparams: QParams): Int32Array {
  const { outer, channels, inner } = channelLayout(dims, qparams.axis);
  const codes = new Int32Array(x.length);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const scale = qparams.scale[c]!;
      const zeroPoint = qparams.zeroPoint[c]!;
      for (const end = at + inner; at < end; at++) {
        codes[at] = quantizeValue(x[at]!, scale, zeroPoint, qparams);
      }
    }
  }
  return codes;
}

/** The floats that the codes of a whole tensor stand for. */
export function dequantizeTensor(
  codes: ArrayLike<number>,
  dims: readonly number[],
  qparams: QParams,
): Float32Array {
  const { outer, channels, inner } = channelLayout(dims, qparams.axis);
  const x = new Float32Array(codes.length);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const scale = qparams.scale[c]!;
      const zeroPoint = qparams.zeroPoint[c]!;
      for (const end = at + inner; at < end; at++) x[at] = (codes[at]! - zeroPoint) * scale;
    }
  }
  return x;
}

/** Quantizes and dequantizes a whole tensor; `mode` torch multiplies by fl32(1/scale) (parity tests only). */
export function fakeQuantizeTensor(
  x: Float32Array,
  dims: readonly number[],
  qparams: QParams,
  mode: 'onnx' | 'torch' = 'onnx',
): Float32Array {
  if (mode === 'onnx') return dequantizeTensor(quantizeTensor(x, dims, qparams), dims, qparams);
  const { outer, channels, inner } = channelLayout(dims, qparams.axis);
  const result = new Float32Array(x.length);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const scale = qparams.scale[c]!;
      const inverse = Math.fround(1 / scale);
      const zeroPoint = qparams.zeroPoint[c]!;
      for (const end = at + inner; at < end; at++) {
        const code = roundHalfEven(Math.fround(x[at]! * inverse)) + zeroPoint;
        result[at] = (clamp(code, qparams.quantMin, qparams.quantMax) - zeroPoint) * scale;
      }
    }
  }
  return result;
}
