import {
  DenseTensor,
  type DType,
  elementCount,
  floatTensor,
  seededRandom,
  type Tensor,
} from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { Graph, GraphModule, lint, type Value } from '@bitwright/graph';
import * as ort from 'onnxruntime-node';

/** A model with one float input that is built by hand. */
export function floatModel(
  dims: readonly (number | string)[],
  make: (graph: Graph, x: Value) => Value | readonly Value[],
  opset = 17,
): GraphModule {
  const module = new GraphModule(new Graph('g'));
  module.opsets.set('', opset);
  module.irVersion = 8;
  const x = module.graph.placeholder('x', { kind: 'tensor', dtype: 'float', shape: dims }).output;
  const made = make(module.graph, x);
  module.graph.setOutputs('producer' in made ? [made] : made);
  lint(module);
  return module;
}

/** Makes random constants, the same for the same seed. */
export class Constants {
  readonly #random: () => number;

  constructor(
    private readonly graph: Graph,
    seed: number,
  ) {
    this.#random = seededRandom(seed);
  }

  /** Values in [low, high). */
  float(name: string, dims: readonly number[], low = -1, high = 1): Value {
    const values = Array.from({ length: elementCount(dims) }, () => low + this.#random() * (high - low));
    return this.graph.getAttr(name, floatTensor(values, dims)).output;
  }

  /** Scale, offset, mean and variance of a batch normalization. */
  batchNorm(channels: number): [Value, Value, Value, Value] {
    return [
      this.float('gamma', [channels], -1.5, 1.5),
      this.float('beta', [channels]),
      this.float('mean', [channels]),
      this.float('variance', [channels], 0.2, 2),
    ];
  }
}

/** Random feeds for a shape; values around zero. */
export function randomInput(dims: readonly number[], seed: number): ort.Tensor {
  const random = seededRandom(seed + 7919);
  return new ort.Tensor(
    'float32',
    Float32Array.from({ length: elementCount(dims) }, () => random() * 4 - 2),
    dims,
  );
}

/** Runs a model as it is written, without the optimizations of the runtime. */
export async function run(
  model: GraphModule | Uint8Array,
  feeds: Record<string, ort.Tensor>,
): Promise<Record<string, ort.Tensor>> {
  const bytes = model instanceof GraphModule ? emitBytes(model) : model;
  const session = await ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
  });
  try {
    return { ...(await session.run(feeds)) };
  } finally {
    await session.release();
  }
}

/** The largest difference between two runs, divided by the largest value where that is above 1. Names and shapes must agree. */
export function largestDifference(a: Record<string, ort.Tensor>, b: Record<string, ort.Tensor>): number {
  if (Object.keys(a).join() !== Object.keys(b).join()) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (const [name, { dims, data }] of Object.entries(a)) {
    const other = b[name]!;
    if (dims.join() !== other.dims.join()) return Number.POSITIVE_INFINITY;
    const [x, y] = [Array.from(data as Float32Array, Number), Array.from(other.data as Float32Array, Number)];
    const unit = x.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    for (const [i, value] of x.entries()) {
      const difference = Math.abs(value - y[i]!) / unit;
      if (!(difference <= most)) most = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    }
  }
  return most;
}

/** A tensor of any number type. */
export function tensorOf(dtype: DType, dims: readonly number[], values: readonly number[]): Tensor {
  if (dtype === 'int64') return new DenseTensor(dtype, dims, BigInt64Array.from(values, BigInt));
  const arrays = { float: Float32Array, int32: Int32Array, bool: Uint8Array, double: Float64Array };
  return new DenseTensor(dtype, dims, arrays[dtype as 'float'].from(values));
}

/** The types of the operators of a model, bodies included. */
export function opTypes(module: GraphModule): string[] {
  return [...module.graph.allOps()].map(({ opType }) => opType);
}
