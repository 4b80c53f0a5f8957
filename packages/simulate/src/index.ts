export type { NoiseSource } from './analog/analog-dot.js';
export { NoiseFeed } from './analog/noise-feed.js';
export { resolveAnalog, type SeenMagnitudes } from './analog/resolve-analog.js';
export { type ExportedIntegers, type ExportOptions, exportIntegers } from './export/export-integers.js';
export { type Manifest, manifestJsonSchema, manifestSchema } from './export/manifest.js';
export { encodeNpz, type NpyArray } from './export/npy.js';
export { writeC } from './export/write-c.js';
export { writeMemh } from './export/write-memh.js';
export {
  type HardwareConfig,
  hardwareJsonSchema,
  type NoiseConfig,
  OPERATOR_CLASSES,
} from './hardware/hardware-schema.js';
export { findHardware, parseHardware } from './hardware/parse-hardware.js';
export { PRESETS } from './hardware/presets.js';
export { type Interpretation, interpret } from './interpreter/interpret.js';
export type { CodeTensor } from './interpreter/tensor.js';
export type { DotStep, FloatOperator, Grid, IntegerNetwork, IntegerStep } from './network/integer-network.js';
export { lowerNetwork } from './network/lower-network.js';
export type { LoweringOptions } from './network/lowering.js';
export { dotBound } from './network/worst-case.js';
export {
  type EmitNetworkOptions,
  type EmittedNetwork,
  emitNetwork,
  notEmittable,
  type ObservedOutputs,
} from './onnx/emit-network.js';
export { type SimulatedLayer, type SimulateOptions, type Simulation, simulate } from './run/simulate.js';
export { openSimulated } from './run/simulated-executor.js';
export { standardSweeps } from './run/standard-sweeps.js';
export {
  type HardwareSweep,
  parseHardwareSweep,
  SWEEP_PARAMETERS,
  type SweepParameter,
  varyHardware,
} from './run/vary-hardware.js';
export { type OutputTrace, type TracedProduct, traceOutput } from './trace/trace-output.js';
