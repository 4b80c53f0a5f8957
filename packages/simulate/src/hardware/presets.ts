import type { HardwareConfig } from './hardware-schema.js';

/** The hardware descriptions that ship, each with the sources of its figures. */
export const PRESETS: readonly HardwareConfig[] = [
  {
    name: 'int8-cpu-avx2',
    description:
      'ONNX Runtime on x86-64 with AVX2 and no VNNI: u8 x s8 products are added in saturating 16-bit pairs, then in 32 bits.',
    sources: [
      'https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html (when to use reduce_range)',
      'https://www.intel.com/content/www/us/en/docs/intrinsics-guide/index.html (_mm256_maddubs_epi16)',
      'onnxruntime/core/mlas/lib/quantize.cpp (requantization in float32, half to even)',
    ],
    inputBits: 8,
    weightBits: 8,
    accumulator: { bits: 32, overflow: 'wrap', at: 'end', sum: 'raw', bias: 'apart' },
    pairs: 'saturate-16',
    requantize: { kind: 'float' },
  },
  {
    name: 'int8-cpu-vnni',
    description:
      'ONNX Runtime on x86-64 with VNNI: exact 32-bit sums, requantization by a float32 multiplier.',
    sources: [
      'https://www.intel.com/content/www/us/en/docs/intrinsics-guide/index.html (_mm256_dpbusd_epi32)',
      'onnxruntime/core/mlas/lib/quantize.cpp',
    ],
    inputBits: 8,
    weightBits: 8,
    accumulator: { bits: 32, overflow: 'wrap', at: 'end' },
    requantize: { kind: 'float' },
  },
  {
    name: 'int8-npu-gemmlowp',
    description:
      'A TFLite-style NPU: int32 accumulators and bias, 31-bit multiplier and shift with double rounding.',
    sources: [
      'https://arxiv.org/abs/1712.05877 (Jacob et al. 2018, section 2)',
      'https://github.com/google/gemmlowp fixedpoint/fixedpoint.h',
      'https://www.tensorflow.org/lite/performance/quantization_spec',
    ],
    inputBits: 8,
    weightBits: 8,
    bias: { bits: 32, scale: 'product', granularity: 'per-channel' },
    accumulator: { bits: 32, overflow: 'wrap', at: 'end' },
    requantize: { kind: 'fixed-point', rounding: 'double' },
  },
  {
    name: 'dpu-power-of-two',
    description:
      'A DPU-style accelerator: 8-bit bias, requantization by a shift alone. Quantize for it with --power-of-two.',
    sources: [
      'https://docs.amd.com/r/en-US/ug1414-vitis-ai (quantization with power-of-two scales)',
      'https://arxiv.org/abs/1903.08066 (Jain et al. 2019, power-of-two scaling)',
    ],
    inputBits: 8,
    weightBits: 8,
    bias: { bits: 8, scale: 'power-of-two', granularity: 'per-tensor' },
    accumulator: { bits: 32, overflow: 'wrap', at: 'end' },
    requantize: { kind: 'power-of-two', rounding: 'half-even' },
  },
  {
    name: 'fpga-narrow-accumulator',
    description:
      'A dataflow design on an FPGA: 16-bit wrapping accumulators and thresholds instead of multipliers.',
    sources: [
      'https://arxiv.org/abs/2308.13504 (A2Q: accumulator-aware quantization)',
      'https://arxiv.org/abs/1612.07119 (FINN: thresholds)',
    ],
    inputBits: 8,
    weightBits: 8,
    accumulator: { bits: 16, overflow: 'wrap', at: 'end' },
    requantize: { kind: 'thresholds' },
    operators: {
      pool: { accumulator: { bits: 32, overflow: 'wrap', at: 'end' } },
      elementwise: { accumulator: { bits: 32, overflow: 'wrap', at: 'end' } },
    },
  },
  {
    name: 'photonic-4bit',
    description:
      'A photonic tensor core of 4-bit codes: 64 wavelengths a tile, 4-bit DAC, 8-bit ADC on a calibrated range, 4 effective bits.',
    sources: [
      'https://arxiv.org/abs/2106.09571 (Garg et al. 2021: shot and thermal noise as effective bits)',
      'https://github.com/Vivswan/AnalogVNN (precision and leakage of photonic layers)',
      'https://github.com/sandialabs/cross-sim (calibrated ADC ranges)',
    ],
    inputBits: 4,
    weightBits: 4,
    bias: { bits: 32, scale: 'product', granularity: 'per-channel' },
    accumulator: { bits: 24, overflow: 'saturate', at: 'tile' },
    tile: { size: 64, order: 'channel-first' },
    requantize: { kind: 'float' },
    dac: { bits: 4 },
    adc: { bits: 8, range: { kind: 'calibrated' } },
    noise: [
      { place: 'weights', kind: 'additive', sigma: 0.01 },
      { place: 'sum', kind: 'enob', bits: 4, at: 'before-adc' },
    ],
  },
  {
    name: 'photonic-8bit',
    description:
      'A photonic tensor core of 8-bit codes: 64 wavelengths a tile, 8-bit DAC, 10-bit ADC on a calibrated range, 7 effective bits.',
    sources: [
      'https://arxiv.org/abs/2106.09571',
      'https://github.com/Vivswan/AnalogVNN',
      'https://github.com/sandialabs/cross-sim',
    ],
    inputBits: 8,
    weightBits: 8,
    bias: { bits: 32, scale: 'product', granularity: 'per-channel' },
    accumulator: { bits: 32, overflow: 'saturate', at: 'tile' },
    tile: { size: 64, order: 'channel-first' },
    requantize: { kind: 'float' },
    dac: { bits: 8 },
    adc: { bits: 10, range: { kind: 'calibrated' } },
    noise: [
      { place: 'weights', kind: 'additive', sigma: 0.002 },
      { place: 'sum', kind: 'enob', bits: 7, at: 'before-adc' },
    ],
  },
];
