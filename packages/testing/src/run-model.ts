import { type DType, elementCount, seededRandom } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import type { GraphModule, Value } from '@bitwright/graph';
import * as ort from 'onnxruntime-node';
import { TestFailure } from './test-failure.js';

/** A tensor as it goes into a model and comes out: the type in the runtime's words, e.g. `float32`. */
export interface RunTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

/** What random inputs are made of. */
export interface RunOptions {
  /** Sizes of symbolic dimensions by name; 2 for those that are not given, and for unnamed ones. */
  readonly sizes?: Readonly<Record<string, number>>;
  readonly seed?: number;
  /** The range of random floats; -2 to 2 by default. */
  readonly low?: number;
  readonly high?: number;
}

const ORT_TYPES: Readonly<Partial<Record<DType, string>>> = { float: 'float32', double: 'float64' };

/** Random values for every input of a model, the same for the same seed; integers are small and not negative. */
export function randomFeeds(module: GraphModule, options: RunOptions = {}): Record<string, RunTensor> {
  const random = seededRandom(options.seed ?? 1);
  return Object.fromEntries(
    module.graph.inputs.map((value) => [value.name, randomTensor(value, random, options)]),
  );
}

function randomTensor(value: Value, random: () => number, options: RunOptions): RunTensor {
  const { sizes = {}, low = -2, high = 2 } = options;
  if (value.shape === undefined || value.dtype === undefined)
    throw new TestFailure(`The input '${value.name}' needs an element type and a shape.`);
  const dims = value.shape.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim ?? ''] ?? 2)));
  const type = ORT_TYPES[value.dtype] ?? value.dtype;
  const count = elementCount(dims);
  const isFloat = type === 'float32' || type === 'float64';
  const values = Array.from({ length: count }, () =>
    isFloat ? low + random() * (high - low) : Math.floor(random() * (type === 'bool' ? 2 : 8)),
  );
  return { type, dims, data: type === 'int64' || type === 'uint64' ? values.map(BigInt) : values };
}

/** Runs a model in ONNX Runtime as it is written, without the runtime's own rewrites. */
export async function runModel(
  module: GraphModule,
  feeds: Readonly<Record<string, RunTensor>>,
): Promise<Record<string, RunTensor>> {
  const session = await ort.InferenceSession.create(emitBytes(module), {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
  });
  try {
    const results = await session.run(
      Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)])),
    );
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, ofOrt(tensor)]));
  } finally {
    await session.release();
  }
}

function toOrt({ type, dims, data }: RunTensor): ort.Tensor {
  return new ort.Tensor(type as 'float32', Array.from(data) as number[], dims);
}

function ofOrt({ type, dims, data }: ort.Tensor): RunTensor {
  return { type, dims, data: data as Float32Array };
}
