import { DenseTensor, floatData, type Tensor } from '@bitwright/core';
import type { OpNode, Value } from '@bitwright/graph';
import { constantTensor } from '@bitwright/graph';
import type { Executor } from '@bitwright/runtime';
import type { RoundingLayer, RoundingStatistics } from '../rounding/rounding-algorithm.js';
import { type StoredSource, storedFeeds } from './run-stored.js';
import { type Segment, segmentBytes } from './segment.js';
import { GraphWriter, outputColumns, unfoldInput } from './unfold.js';

/** Unfolded inputs of one run take about so many floats: enough to keep the processor busy, fixed so that sums are the same everywhere. */
const UNFOLDED_FLOATS = 2 ** 23;

/** Names of ours inside of a segment begin so, and meet no name of the model's. */
const OURS = 'ai.bitwright.';

/**
 * Gathers the second-order statistics of a layer over all stored chunks: its output in the float network, the unfolded
 * inputs behind the quantized prefix, and their products, all by the runtime, summed here in a fixed order.
 */
export async function collectStatistics(
  source: StoredSource,
  anchor: OpNode,
  layer: RoundingLayer,
): Promise<RoundingStatistics> {
  const sums = new StatisticSums(layer);
  const chunks = source.store.shapes(source.cut[0]!.value.name).dims.length;
  const float = await openFloatSide(source, anchor);
  let products: Executor | undefined;
  try {
    for (let index = 0; index < chunks; index++) {
      source.signal?.throwIfAborted();
      const [y] = [...(await float.run(storedFeeds(source, 'float', index))).values()];
      products ??= await openProducts(source, anchor, layer, y!);
      const quantizedFeeds = storedFeeds(source, 'quantized', index);
      for (const part of parts(quantizedFeeds, y!, layer))
        sums.add(await products.run(part), part.get(`${OURS}y`)!);
    }
  } finally {
    await float.release();
    await products?.release();
  }
  return sums.means();
}

/** The float network from the cut to the layer's output, bias left out. */
async function openFloatSide(source: StoredSource, anchor: OpNode): Promise<Executor> {
  const output = anchor.outputs[0]!;
  const segment = source.networks.cut('float', source.cut, [output]);
  const node = segment.values.get(output)!.producer as OpNode;
  if (node.inputs.length > 2) node.truncateInputs(2);
  segment.module.graph.eliminateDeadCode();
  return source.open(segmentBytes(segment), { name: `the float network up to '${anchor.displayName}'` });
}

/** The quantized network from the cut to the layer's input, unfolded and multiplied. */
async function openProducts(
  source: StoredSource,
  anchor: OpNode,
  layer: RoundingLayer,
  y: Tensor,
): Promise<Executor> {
  const input = anchor.inputs[0]!;
  const segment = source.networks.cut('quantized', source.cut, [input]);
  const names = addProducts(segment, anchor, layer, input, outputShape(source, y));
  const { graph } = segment.module;
  graph.setOutputs(names);
  graph.eliminateDeadCode();
  return source.open(segmentBytes(segment), { name: `the statistics of '${anchor.displayName}'` });
}

function addProducts(
  segment: Segment,
  anchor: OpNode,
  layer: RoundingLayer,
  input: Value,
  spatial: readonly number[] | undefined,
): Value[] {
  const w = new GraphWriter(segment.module.graph);
  const kernel = constantKernel(anchor);
  const channels = layer.columns / kernel.reduce((product, size) => product * size, 1);
  const x = segment.values.get(input)!;
  const columns = unfoldInput(w, x, anchor, { groups: layer.groups, channels, kernel, spatial });
  const type = { kind: 'tensor', dtype: 'float', shape: undefined } as const;
  const y = outputColumns(
    w,
    segment.module.graph.placeholder(`${OURS}y`, type).output,
    anchor,
    layer.groups,
    layer.rows,
  );
  const named = (name: string, value: Value): Value => {
    w.graph.rename(value, `${OURS}${name}`);
    return value;
  };
  const last = w.ints(2);
  const sum = (value: Value): Value => w.op('ReduceSum', [value, last], { keepdims: 0 });
  // products of what lies around the means: single precision would lose the small outputs of large inputs
  const middles = [columns, y].map((value) => mean(w, value, last));
  const [inputs, outputs] = [columns, y].map((value, i) => w.op('Sub', [value, middles[i]!])) as [
    Value,
    Value,
  ];
  const turned = w.op('Transpose', [inputs], { perm: [0, 2, 1] });
  return [
    named('gram', w.op('MatMul', [inputs, turned])),
    named('target', w.op('MatMul', [outputs, turned])),
    named('input_sum', sum(inputs)),
    named('input_mean', middles[0]!),
    named('output_sum', sum(outputs)),
    named('output_mean', middles[1]!),
    named('output_square', sum(w.op('Mul', [outputs, outputs]))),
  ];
}

/** Means over positions, as one column; written without ReduceMean, whose axes moved between operator sets. */
function mean(w: GraphWriter, value: Value, last: Value): Value {
  const total = w.op('ReduceSum', [value, last], { keepdims: 1 });
  const positions = w.op('Gather', [w.op('Shape', [value]), last]);
  return w.op('Div', [total, w.op('Cast', [positions], { to: 1 })]);
}

/** Sizes of the kernel; empty for matrix products. */
function constantKernel(anchor: OpNode): readonly number[] {
  if (anchor.is('Gemm') || anchor.is('MatMul')) return [];
  const weight = anchor.inputs[1]!;
  const tensor = constantTensor(weight) ?? constantTensor((weight.producer as OpNode).inputs[0]);
  return tensor!.dims.slice(2);
}

/** Spatial sizes of the output, where all chunks have the same as the first. */
function outputShape({ store, cut }: StoredSource, y: Tensor): readonly number[] | undefined {
  const vary = cut.some(({ value }) => {
    const [first, ...others] = store.shapes(value.name).dims;
    return others.some((dims) => dims.slice(1).some((size, i) => size !== first![i + 1]));
  });
  return vary ? undefined : y.dims.slice(2);
}

/** Splits a chunk into runs of a bounded size, along the samples. */
function* parts(
  feeds: ReadonlyMap<string, Tensor>,
  y: Tensor,
  layer: RoundingLayer,
): Generator<Map<string, Tensor>> {
  const whole = new Map([...feeds, [`${OURS}y`, y] as const]);
  const samples = y.dims[0] ?? 1;
  const splits = [...whole.values()].every((tensor) => tensor.dims.length > 1 && tensor.dims[0] === samples);
  const perSample = (y.data().length / samples / (layer.groups * layer.rows)) * layer.groups * layer.columns;
  const step = Math.max(1, Math.floor(UNFOLDED_FLOATS / perSample));
  if (!splits || step >= samples) {
    yield whole;
    return;
  }
  for (let first = 0; first < samples; first += step)
    yield new Map(
      [...whole].map(([name, tensor]) => [name, rows(tensor, first, Math.min(samples, first + step))]),
    );
}

function rows(tensor: Tensor, first: number, end: number): Tensor {
  const [samples, ...rest] = tensor.dims;
  const data = tensor.data() as Float32Array;
  const size = data.length / samples!;
  return new DenseTensor(tensor.dtype, [end - first, ...rest], data.subarray(first * size, end * size));
}

/** Running sums in double precision. */
class StatisticSums {
  readonly #sums: Readonly<Record<string, Float64Array>>;
  #count = 0;

  constructor(private readonly layer: RoundingLayer) {
    const { groups, rows: outputs, columns } = layer;
    this.#sums = {
      gram: new Float64Array(groups * columns * columns),
      target: new Float64Array(groups * outputs * columns),
      input_sum: new Float64Array(groups * columns),
      output_sum: new Float64Array(groups * outputs),
      output_square: new Float64Array(groups * outputs),
    };
  }

  /** Adds a run, whose sums are of values less their means in that run. */
  add(results: ReadonlyMap<string, Tensor>, y: Tensor): void {
    const { groups, columns, rows: outputs } = this.layer;
    const count = y.data().length / (groups * outputs);
    const found = (name: string): Float32Array => floatData(results.get(`${OURS}${name}`)!);
    const { gram, target, input_sum, output_sum, output_square } = this.#sums;
    const input: Centred = { sum: found('input_sum'), mean: found('input_mean'), count };
    const output: Centred = { sum: found('output_sum'), mean: found('output_mean'), count };
    addCentred(gram!, found('gram'), input, input, { groups, rows: columns, columns });
    addCentred(target!, found('target'), output, input, { groups, rows: outputs, columns });
    addSums(input_sum!, input);
    addSums(output_sum!, output);
    const squares = found('output_square');
    for (let i = 0; i < squares.length; i++) {
      const mean = output.mean[i]!;
      output_square![i]! += squares[i]! + mean * (2 * output.sum[i]! + count * mean);
    }
    this.#count += count;
  }

  means(): RoundingStatistics {
    const count = Math.max(1, this.#count);
    for (const sum of Object.values(this.#sums)) for (let i = 0; i < sum.length; i++) sum[i]! /= count;
    const { gram, target, input_sum, output_sum, output_square } = this.#sums;
    return {
      gram: gram!,
      target: target!,
      inputMean: input_sum!,
      outputMean: output_sum!,
      outputSquare: output_square!,
      count: this.#count,
    };
  }
}

/** Sums of values less a mean, the mean, and how many there were. */
interface Centred {
  readonly sum: Float32Array;
  readonly mean: Float32Array;
  readonly count: number;
}

/** Adds sums of products a b^T, from those of (a - mean a)(b - mean b)^T, group by group. */
function addCentred(
  into: Float64Array,
  products: Float32Array,
  a: Centred,
  b: Centred,
  { groups, rows, columns }: Pick<RoundingLayer, 'groups' | 'rows' | 'columns'>,
): void {
  const whole = new Float64Array(columns);
  for (let group = 0; group < groups; group++) {
    const first = group * columns;
    for (let k = 0; k < columns; k++) whole[k] = b.sum[first + k]! + b.count * b.mean[first + k]!;
    for (let row = group * rows; row < (group + 1) * rows; row++) {
      const [sum, mean] = [a.sum[row]!, a.mean[row]!];
      const at = row * columns;
      for (let k = 0; k < columns; k++)
        into[at + k]! += products[at + k]! + sum * b.mean[first + k]! + mean * whole[k]!;
    }
  }
}

function addSums(into: Float64Array, { sum, mean, count }: Centred): void {
  for (let i = 0; i < sum.length; i++) into[i]! += sum[i]! + count * mean[i]!;
}
