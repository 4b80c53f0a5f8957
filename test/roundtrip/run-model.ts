import { type DType, seededRandom } from '@bitwright/core';
import { decodeModel, type GraphProto, type ModelProto } from '@bitwright/onnx';
import * as ort from 'onnxruntime-node';

/** Feeds or results by name. */
export type Tensors = Record<string, ort.Tensor>;

/** Runs a model in a stock session. */
export async function runModel(bytes: Uint8Array, feeds: Tensors): Promise<Tensors> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  try {
    return { ...(await session.run(feeds)) };
  } finally {
    await session.release();
  }
}

/** A float tensor with values around zero, the same for the same seed. */
export function randomFloat(dims: readonly number[], seed = 1): ort.Tensor {
  const random = seededRandom(seed);
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * 4 - 2);
  return new ort.Tensor('float32', data, dims);
}

const TYPE_NAMES: Readonly<Partial<Record<DType, ort.Tensor.Type>>> = { float: 'float32', double: 'float64' };

/** A tensor of any type from numbers. */
export function feed(dtype: DType, dims: readonly number[], values: readonly number[]): ort.Tensor {
  const type = TYPE_NAMES[dtype] ?? (dtype as ort.Tensor.Type);
  const data = type === 'int64' ? BigInt64Array.from(values.map(BigInt)) : values;
  return new ort.Tensor(type as 'float32', data as number[], dims);
}

/** Random feeds for a model whose inputs are float (or int64, then ones); open dimensions get the size 1, `sequence` 512. */
export function randomFeeds(model: Uint8Array | ModelProto): Tensors {
  const { graph } = model instanceof Uint8Array ? decodeModel(model) : model;
  const feeds: Tensors = {};
  for (const [i, { name, type }] of trueInputs(graph ?? {}).entries()) {
    const dims = (type?.tensorType?.shape?.dim ?? []).map(({ dimValue, dimParam }) =>
      Number(dimValue ?? (dimParam === 'sequence' ? 512 : 1)),
    );
    const elements = dims.reduce((a, b) => a * b, 1);
    feeds[name ?? ''] =
      type?.tensorType?.elemType === 7
        ? feed('int64', dims, new Array<number>(elements).fill(16000))
        : randomFloat(dims, i + 1);
  }
  return feeds;
}

function trueInputs({ input = [], initializer = [] }: GraphProto) {
  const initialized = new Set(initializer.map(({ name }) => name));
  return input.filter(({ name }) => !initialized.has(name));
}

/**
 * Tells how two results differ.
 *
 * @param tolerance the allowed difference of floats, relative for values beyond 1; 0 demands the same bits.
 * @returns undefined when they agree.
 */
export function difference(a: Tensors, b: Tensors, tolerance = 0): string | undefined {
  if (Object.keys(a).join() !== Object.keys(b).join()) return `names ${Object.keys(a)} and ${Object.keys(b)}`;
  for (const [name, { type, dims, data }] of Object.entries(a)) {
    const other = b[name]!;
    if (type !== other.type) return `${name}: type ${type} and ${other.type}`;
    if (dims.join() !== other.dims.join()) return `${name}: shape [${dims}] and [${other.dims}]`;
    const [x, y] = [data as ArrayLike<number>, other.data as ArrayLike<number>];
    for (let i = 0; i < x.length; i++) {
      const same = Object.is(x[i], y[i]) || x[i] === y[i];
      if (!same && !(Math.abs(x[i]! - y[i]!) <= tolerance * Math.max(1, Math.abs(x[i]!))))
        return `${name}[${i}]: ${x[i]} and ${y[i]}`;
    }
  }
  return undefined;
}
