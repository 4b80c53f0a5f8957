import type { Interpretation } from '../interpreter/interpret.js';
import { sizeOf } from '../interpreter/tensor.js';
import type { DotStep, Grid, IntegerNetwork, IntegerStep, Result } from '../network/integer-network.js';
import type { Requantizer } from '../requantize/requantizer.js';
import type { Manifest, ManifestLayer } from './manifest.js';
import { type NpyArray, narrowest } from './npy.js';

/** A network as plain arrays, and what each of them is. */
export interface ExportedIntegers {
  readonly manifest: Manifest;
  readonly arrays: ReadonlyMap<string, NpyArray>;
}

/** What an export is called and holds. */
export interface ExportOptions {
  readonly model: string;
  readonly hardware: string;
  /** A run of the interpreter whose values become golden vectors. */
  readonly golden?: Interpretation;
  readonly samples: number;
}

/** Lays a network out as integer arrays, layer by layer, with the values of a run beside them. */
export function exportIntegers(network: IntegerNetwork, options: ExportOptions): ExportedIntegers {
  const writer = new ArrayWriter();
  const layers = network.steps.map((step, index) => writer.layer(step, index, options.golden));
  const manifest: Manifest = {
    format: 'bitwright-integers',
    version: 1,
    model: options.model,
    hardware: options.hardware,
    samples: options.samples,
    inputs: network.inputs.map(({ name }) => name),
    outputs: network.outputs.map(({ name, value }) => ({ name, value })),
    layers,
  };
  return { manifest, arrays: writer.arrays };
}

class ArrayWriter {
  readonly arrays = new Map<string, NpyArray>();

  layer(step: IntegerStep, index: number, golden: Interpretation | undefined): ManifestLayer {
    const put = (what: string, array: NpyArray): string => {
      const name = `${String(index).padStart(3, '0')}_${what}`;
      this.arrays.set(name, array);
      return name;
    };
    const goldens = golden && this.#golden(step, golden, put);
    return {
      index,
      name: step.name,
      kind: step.kind,
      inputs: inputsOf(step),
      output: step.output,
      ...details(step, put),
      ...(goldens && { golden: goldens }),
    };
  }

  #golden(step: IntegerStep, run: Interpretation, put: Put): ManifestLayer['golden'] {
    const [first] = inputsOf(step);
    const input = first === undefined ? undefined : run.values.get(first);
    const output = run.values.get(step.output);
    if (input === undefined || output === undefined) return undefined;
    const sums = run.accumulators.get(step.output);
    const array = ({ dims, data }: { dims: readonly number[]; data: Int32Array | Float32Array }): NpyArray =>
      data instanceof Float32Array ? { dims, data } : narrowest(dims, data);
    return {
      input: put('golden_input', array(input)),
      ...(sums && { accumulators: put('golden_accumulators', narrowest(sums.dims, sums.data)) }),
      output: put('golden_output', array(output)),
    };
  }
}

type Put = (what: string, array: NpyArray) => string;

/** The values that a step reads. */
export function inputsOf(step: IntegerStep): string[] {
  if (step.kind === 'constant') return [];
  if (step.kind === 'float') return step.inputs.filter((input) => typeof input === 'string');
  return 'inputs' in step ? [...step.inputs] : [step.input];
}

function details(step: IntegerStep, put: Put): Partial<ManifestLayer> {
  switch (step.kind) {
    case 'dot':
      return dotDetails(step, put);
    case 'average':
      return {
        ...('window' in step.over ? windowOf(step.over.window) : { axes: [...step.over.axes] }),
        inputGrid: gridOf(step.inputGrid),
        count: step.count,
        ...resultDetails(step.result, put),
      };
    case 'matmul':
      return resultDetails(step.result, put);
    case 'max-pool':
      return { ...windowOf(step.window), outputGrid: gridOf(step.grid) };
    case 'table':
    case 'softmax':
      return {
        inputGrid: gridOf(step.inputGrid),
        outputGrid: gridOf(step.grid),
        table: put('table', narrowest([step.table.length], step.table)),
      };
    case 'rescale':
      return {
        inputGrid: gridOf(step.inputGrid),
        outputGrid: gridOf(step.grid),
        ...requantizeDetails(step.requantizer, put),
      };
    case 'multiply':
      return { outputGrid: gridOf(step.grid), ...requantizeDetails(step.requantizer, put) };
    case 'add':
      return { outputGrid: gridOf(step.grid), low: step.low, high: step.high };
    case 'spread':
      return { outputGrid: gridOf(step.grid), strides: [...step.strides] };
    case 'float':
      return { opType: step.node.opType };
    case 'move':
      return { opType: step.node.opType, ...(step.grid && { outputGrid: gridOf(step.grid) }) };
    default:
      return { outputGrid: gridOf(step.grid) };
  }
}

function dotDetails(step: DotStep, put: Put): Partial<ManifestLayer> {
  const { bias, window } = step;
  const kernel = window?.kernel ?? [];
  const dims =
    window === undefined
      ? [step.outputs, step.depth]
      : [step.outputs, step.depth / sizeOf(kernel), ...kernel];
  return {
    opType: step.opType,
    inputGrid: gridOf(step.inputGrid),
    weights: put('weights', narrowest(dims, step.weights)),
    weightBits: step.weightBits,
    weightZeroPoint: put('weight_zero_point', narrowest([step.weightZeroPoint.length], step.weightZeroPoint)),
    weightScale: put('weight_scale', { dims: [step.weightScale.length], data: step.weightScale }),
    ...(bias && {
      bias: put('bias', narrowest([step.outputs], bias.aligned)),
      biasCodes: put('bias_codes', narrowest([step.outputs], bias.codes)),
      biasScale: put('bias_scale', { dims: [bias.scale.length], data: bias.scale }),
      biasBits: bias.bits,
    }),
    groups: step.groups,
    ...(window && windowOf(window)),
    accumulator: {
      ...step.hardware.accumulator,
      ...(step.hardware.tile && { tile: step.hardware.tile.size }),
    },
    ...resultDetails(step.result, put),
  };
}

function windowOf(window: NonNullable<DotStep['window']>): Partial<ManifestLayer> {
  const { kernel, strides, dilations, pads } = window;
  return { kernel: [...kernel], strides: [...strides], dilations: [...dilations], pads: [...pads] };
}

function gridOf({ bits, min, max, zeroPoint, scale }: Grid): ManifestLayer['outputGrid'] {
  return { bits, min, max, zeroPoint, scale };
}

function resultDetails(result: Result, put: Put): Partial<ManifestLayer> {
  if (result.kind === 'codes')
    return { outputGrid: gridOf(result.grid), ...requantizeDetails(result.requantizer, put) };
  const { scale } = result.dequantizer;
  return { requantize: { kind: 'dequantize', scale: put('scale', { dims: [scale.length], data: scale }) } };
}

function requantizeDetails(by: Requantizer, put: Put): Partial<ManifestLayer> {
  const integers = (what: string, values: ArrayLike<number>): string =>
    put(what, narrowest([values.length], values));
  const { low, high } = by;
  switch (by.kind) {
    case 'float': {
      const multiplier = put('multiplier', { dims: [by.multiplier.length], data: by.multiplier });
      return { low, high, requantize: { kind: 'float', multiplier } };
    }
    case 'fixed-point': {
      const multiplier = integers('multiplier', by.multiplier);
      const shift = integers('shift', by.shift);
      return { low, high, requantize: { kind: by.kind, rounding: by.rounding, multiplier, shift } };
    }
    case 'power-of-two':
      return {
        low,
        high,
        requantize: { kind: by.kind, rounding: by.rounding, shift: integers('shift', by.shift) },
      };
    case 'thresholds': {
      const dims = [by.thresholds.length / Math.max(by.count, 1), by.count];
      const thresholds = put('thresholds', narrowest(dims, by.thresholds));
      return { low, high, requantize: { kind: by.kind, count: by.count, thresholds } };
    }
  }
}
