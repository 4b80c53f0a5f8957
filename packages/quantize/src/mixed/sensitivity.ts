import {
  BitwrightError,
  DenseTensor,
  dequantizeTensor,
  floatData,
  quantGrid,
  quantizeTensor,
  type Tensor,
} from '@bitwright/core';
import type { Batch, SampleSource } from '@bitwright/data';
import { emitBytes } from '@bitwright/emit';
import { constantTensor, type GraphModule, type OpNode } from '@bitwright/graph';
import { batchSizeFor, type Executor, type OpenExecutor } from '@bitwright/runtime';
import { noSamples } from '../no-samples.js';
import { weightChannelAxis } from '../operand-roles.js';
import type { QConfig } from '../qconfig.js';
import { weightQParams } from '../rounding/weight-scale.js';
import type { WidthChoices } from './width-choices.js';

/** What sensitivities are measured with. */
export interface SensitivityOptions {
  readonly open: OpenExecutor;
  /** Calibration samples, without labels; the first 64 are used, or as many as half of the memory holds. */
  readonly data: SampleSource;
  readonly memory: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What was measured of one layer. */
export interface LayerSensitivity {
  /** Multiplications of one sample. */
  readonly macs: number;
  /** By width: power of the error at the network's outputs when this layer's weights alone are rounded, over their power. */
  readonly noise: ReadonlyMap<number, number>;
}

const SAMPLES = 64;
const LARGEST_BATCH = 32;
// the same on every machine, so that sums are the same
const THREADS = 2;
// above this width the range is kept whole: clipping gains nothing, and the search is most of the time
const WIDEST_SEARCHED = 5;

/** What was measured of a network. */
export interface Sensitivities {
  readonly samples: number;
  /** In the order of the layers. */
  readonly layers: readonly LayerSensitivity[];
  /**
   * Error power at the outputs, over theirs, with the weights of each layer and of all layers before it rounded.
   *
   * @param bits a width that was measured for each layer.
   */
  cumulative(bits: readonly number[]): Promise<number[]>;
}

/**
 * Measures, for each layer and width, how far the outputs move when the weights of this layer alone go to their nearest
 * codes and all else is float. Needs no labels. One session a layer, which is fed with its weights.
 *
 * @returns in the order of `layers`. @throws CALIBRATION_NO_SAMPLES, BUDGET_NO_FLOAT_OUTPUT.
 */
export async function measureSensitivity(
  module: GraphModule,
  layers: readonly WidthChoices[],
  options: SensitivityOptions,
): Promise<Sensitivities> {
  const reference = await runFloat(module, layers, options);
  const places = new Map([...module.graph.ops()].map((node, place) => [node, place]));
  const measured: LayerSensitivity[] = [];
  for (const [index, layer] of layers.entries()) {
    const noise = await noiseOf(module, places.get(layer.anchor)!, layer, reference, options);
    measured.push({ macs: reference.macs[index]!, noise });
    options.onProgress?.(index + 1, layers.length);
  }
  return {
    samples: reference.batches.reduce((sum, { size }) => sum + size, 0),
    layers: measured,
    cumulative: (bits) => cumulativeNoise(module, layers, bits, reference, options),
  };
}

/** One session that is fed with the weights of all layers, which are rounded one after the other. */
async function cumulativeNoise(
  module: GraphModule,
  layers: readonly WidthChoices[],
  bits: readonly number[],
  reference: Reference,
  options: SensitivityOptions,
): Promise<number[]> {
  const copy = module.clone();
  const nodes = [...copy.graph.ops()];
  const places = new Map([...module.graph.ops()].map((node, place) => [node, place]));
  const weights = new Map<string, Tensor>();
  const names = layers.map(({ anchor, weightInput }) => {
    const tensor = constantTensor(anchor.inputs[weightInput])!;
    const name = feedWeights(copy, nodes[places.get(anchor)!]!, weightInput, tensor);
    weights.set(name, new DenseTensor('float', tensor.dims, floatData(tensor)));
    return name;
  });
  copy.graph.eliminateDeadCode();
  const executor = await open(copy, 'the float model with rounded weights', options);
  const noise: number[] = [];
  try {
    for (const [i, { anchor, weightInput, configs }] of layers.entries()) {
      const tensor = constantTensor(anchor.inputs[weightInput])!;
      weights.set(names[i]!, roundedWeights(anchor, tensor, bits[i]!, configs.get(bits[i]!)!));
      noise.push(await noiseWith(executor, weights, reference, options));
    }
  } finally {
    await executor.release();
  }
  return noise;
}

/** Lets a layer's weights come in as an input of the model. @returns its name. */
function feedWeights(module: GraphModule, node: OpNode, index: number, { dims }: Tensor): string {
  const { graph } = module;
  const type = { kind: 'tensor', dtype: 'float', shape: dims } as const;
  const fed = graph.placeholder(graph.freshName('rounded_weights'), type).output;
  node.setInput(index, fed);
  return fed.name;
}

/** Power of the error at the outputs with these weights, over their power. */
async function noiseWith(
  executor: Executor,
  weights: ReadonlyMap<string, Tensor>,
  { batches, outputs, results: wanted }: Reference,
  { signal }: SensitivityOptions,
): Promise<number> {
  let error = 0;
  let power = 0;
  for (const [i, batch] of batches.entries()) {
    signal?.throwIfAborted();
    const results = await executor.run(new Map([...batch.inputs, ...weights]), outputs);
    for (const output of outputs) {
      const sums = compare(floatData(wanted[i]!.get(output)!), floatData(results.get(output)!));
      error += sums.error;
      power += sums.power;
    }
  }
  return power > 0 ? error / power : error;
}

/** The float network's own results. */
interface Reference {
  readonly batches: readonly Batch[];
  /** Names of the float outputs. */
  readonly outputs: readonly string[];
  /** One map a batch. */
  readonly results: readonly ReadonlyMap<string, Tensor>[];
  readonly macs: readonly number[];
}

async function runFloat(
  module: GraphModule,
  layers: readonly WidthChoices[],
  options: SensitivityOptions,
): Promise<Reference> {
  const copy = module.clone();
  const outputs = copy.graph.outputs.map(({ name }) => name);
  const sizing = layers.map(({ anchor }) =>
    anchor.is('ConvTranspose') ? anchor.inputs[0]! : anchor.outputs[0]!,
  );
  const inner = sizing.filter(({ producer }) => producer.kind === 'op').map(({ name }) => name);
  copy.graph.setOutputs([...new Set([...outputs, ...inner])].map((name) => copy.graph.findValue(name)!));
  const executor = await open(copy, 'the float model', options);
  try {
    const batches = await readBatches(executor, options);
    const results: ReadonlyMap<string, Tensor>[] = [];
    let macs: number[] = [];
    for (const batch of batches) {
      options.signal?.throwIfAborted();
      const first = results.length === 0;
      const values = await executor.run(batch.inputs, first ? undefined : outputs);
      if (first)
        macs = layers.map((layer, i) => {
          const { name } = sizing[i]!;
          return macsOf(layer, (values.get(name) ?? batch.inputs.get(name))!) / batch.size;
        });
      results.push(new Map(outputs.map((name) => [name, values.get(name)!])));
    }
    const float = outputs.filter((name) => results[0]!.get(name)!.dtype === 'float');
    if (float.length === 0) throw withoutFloatOutput();
    return { batches, outputs: float, results, macs };
  } finally {
    await executor.release();
  }
}

async function readBatches(executor: Executor, { data, memory }: SensitivityOptions): Promise<Batch[]> {
  const held: Batch[] = [];
  let samples = 0;
  let bytes = 0;
  for await (const batch of data.batches(Math.min(LARGEST_BATCH, batchSizeFor(executor.inputs)))) {
    held.push(batch);
    samples += batch.size;
    for (const tensor of batch.inputs.values()) bytes += 8 * tensor.data().length;
    if (samples >= SAMPLES || bytes > memory / 2) break;
  }
  if (samples > 0) return held;
  throw noSamples(data.name);
}

/** Multiplications that make the output `sized` of a layer (of a ConvTranspose: that take its input `sized`). */
function macsOf({ anchor, weightInput, weights }: WidthChoices, sized: Tensor): number {
  const { dims } = constantTensor(anchor.inputs[weightInput])!;
  const elements = sized.dims.reduce((product, size) => product * size, 1);
  if (anchor.is('Conv') || anchor.is('ConvTranspose')) return (elements * weights) / dims[0]!;
  const inner = anchor.is('Gemm') && anchor.attributes.int('transB', 0) === 1 ? dims[1]! : dims.at(-2)!;
  return elements * inner;
}

async function noiseOf(
  module: GraphModule,
  place: number,
  { anchor, weightInput, configs, name }: WidthChoices,
  reference: Reference,
  options: SensitivityOptions,
): Promise<Map<number, number>> {
  const copy = module.clone();
  const tensor = constantTensor(anchor.inputs[weightInput])!;
  const fed = feedWeights(copy, [...copy.graph.ops()][place]!, weightInput, tensor);
  copy.graph.eliminateDeadCode();
  const executor = await open(copy, `the float model with rounded weights of '${name}'`, options);
  const noise = new Map<number, number>();
  try {
    for (const [bits, config] of configs) {
      const weights = new Map([[fed, roundedWeights(anchor, tensor, bits, config)]]);
      noise.set(bits, await noiseWith(executor, weights, reference, options));
    }
  } finally {
    await executor.release();
  }
  return noise;
}

/** Sums of squares; what is not finite in the float network says nothing and is left out. */
function compare(expected: Float32Array, found: Float32Array): { error: number; power: number } {
  let error = 0;
  let power = 0;
  for (let i = 0; i < expected.length; i++) {
    const value = expected[i]!;
    if (!Number.isFinite(value)) continue;
    const difference = found[i]! - value;
    error += Number.isFinite(difference) ? difference * difference : value * value;
    power += value * value;
  }
  return { error, power };
}

function roundedWeights(anchor: OpNode, tensor: Tensor, bits: number, config: QConfig): Tensor {
  const { dims } = tensor;
  const values = floatData(tensor);
  const grid = quantGrid(config.reduceRange ? Math.max(2, bits - 1) : bits, true);
  const qparams = weightQParams(
    values,
    dims,
    config.perChannel ? weightChannelAxis(anchor, dims.length) : undefined,
    grid,
    {
      search: bits <= WIDEST_SEARCHED ? 'mse' : 'min-max',
      symmetric: config.symmetricWeights,
      powerOfTwo: config.powerOfTwo,
    },
  );
  return new DenseTensor(
    'float',
    dims,
    dequantizeTensor(quantizeTensor(values, dims, qparams), dims, qparams),
  );
}

function open(module: GraphModule, name: string, options: SensitivityOptions): Promise<Executor> {
  return options.open(emitBytes(module, { external: 'inline' }), { name, threads: THREADS });
}

function withoutFloatOutput(): BitwrightError {
  return new BitwrightError({
    code: 'BUDGET_NO_FLOAT_OUTPUT',
    message:
      'No output of the model holds floats, so that what a width costs in accuracy can not be measured there.',
    hint: 'Cut the model before its ArgMax or Cast, or give the widths by a mapping.',
    at: { option: '--budget' },
  });
}
