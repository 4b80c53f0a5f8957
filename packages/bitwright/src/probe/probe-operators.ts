import { DenseTensor, elementCount, seededRandom, type Tensor } from '@bitwright/core';
import { Attributes, type Graph, type OpNode, type Value } from '@bitwright/graph';

/** What puts one operator into a model for probing, behind the value `x`. */
export interface ProbeSite {
  readonly graph: Graph;
  readonly x: Value;
  /** Another input of the model with the shape of `x`, for operators with two operands. */
  readonly other: () => Value;
}

type AttributeInits = Parameters<typeof Attributes.from>[0];

/** How an operator is set up for a probe: its inputs behind the first, and its attributes. */
interface Recipe {
  readonly inputs?: (site: ProbeSite) => (Value | undefined)[];
  readonly attributes?: AttributeInits;
  /** More than one output. */
  readonly outputs?: number;
}

const CHANNELS = 8;
const FEATURES = 32;

const two: Recipe = { inputs: ({ other }) => [other()] };
const window: AttributeInits = { kernel_shape: [2, 2], strides: [2, 2] };
const constants =
  (...tensors: (readonly [name: string, tensor: Tensor] | undefined)[]) =>
  ({ graph }: ProbeSite): (Value | undefined)[] =>
    tensors.map((made) => made && graph.getAttr(made[0], made[1]).output);

const RECIPES: Readonly<Record<string, Recipe>> = {
  Conv: {
    inputs: constants(['weight', floats([CHANNELS, CHANNELS, 3, 3])], ['bias', floats([CHANNELS])]),
    attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
  },
  ConvTranspose: {
    inputs: constants(['weight', floats([CHANNELS, CHANNELS, 3, 3])], ['bias', floats([CHANNELS])]),
    attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
  },
  Gemm: { inputs: constants(['weight', floats([FEATURES, FEATURES])], ['bias', floats([FEATURES])]) },
  MatMul: { inputs: constants(['weight', floats([FEATURES, FEATURES])]) },
  Add: two,
  Sub: two,
  Mul: two,
  Div: two,
  Concat: { ...two, attributes: { axis: 1 } },
  AveragePool: { attributes: window },
  MaxPool: { attributes: window },
  LeakyRelu: { attributes: { alpha: 0.1 } },
  Clip: { inputs: constants(['low', scalar(0)], ['high', scalar(6)]) },
  PRelu: { inputs: constants(['slope', floats([CHANNELS, 1, 1])]) },
  Resize: {
    inputs: constants(undefined, ['scales', new DenseTensor('float', [4], Float32Array.of(1, 1, 2, 2))]),
    attributes: { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' },
  },
  Reshape: { inputs: constants(['shape', integers([1, -1])]) },
  Transpose: { attributes: { perm: [0, 2, 3, 1] } },
  Slice: { inputs: constants(['starts', integers([1])], ['ends', integers([5])], ['axes', integers([1])]) },
  Squeeze: { inputs: constants(['axes', integers([0])]) },
  Unsqueeze: { inputs: constants(['axes', integers([0])]) },
  Split: { attributes: { axis: 1, num_outputs: 2 }, outputs: 2 },
  Gather: { inputs: constants(['indices', integers([0, 2, 5])]), attributes: { axis: 1 } },
  Pad: { inputs: constants(['pads', integers([0, 0, 1, 1, 0, 0, 1, 1])]) },
  DepthToSpace: { attributes: { blocksize: 2 } },
  SpaceToDepth: { attributes: { blocksize: 2 } },
  Expand: { inputs: constants(['shape', integers([2, CHANNELS, 8, 8])]) },
  Tile: { inputs: constants(['repeats', integers([1, 1, 2, 1])]) },
  ReduceMean: { inputs: constants(['axes', integers([2, 3])]) },
};

/** The shape of a probe's input for a chain that begins with an operator: a vector for matrix products, else an image. */
export function probeShape(first: string): readonly number[] {
  return first === 'Gemm' || first === 'MatMul' ? [4, FEATURES] : [1, CHANNELS, 8, 8];
}

/** Puts an operator behind a value, with plausible operands; one without a recipe gets no more than that value. */
export function addProbeOperator(opType: string, site: ProbeSite): OpNode {
  const { inputs, attributes = {}, outputs = 1 } = RECIPES[opType] ?? {};
  return site.graph.createOp({
    opType,
    name: `probe_${opType}`,
    inputs: [site.x, ...(inputs?.(site) ?? [])],
    attributes: Attributes.from(attributes),
    outputs: Array.from({ length: outputs }, () => ({})),
  });
}

/** Floats from -1 to 1, the same ones for each shape. */
export function floats(dims: readonly number[]): Tensor {
  const random = seededRandom(elementCount(dims));
  const data = Float32Array.from({ length: elementCount(dims) }, () => random() * 2 - 1);
  return new DenseTensor('float', dims, data);
}

function scalar(value: number): Tensor {
  return new DenseTensor('float', [], Float32Array.of(value));
}

function integers(values: readonly number[]): Tensor {
  return new DenseTensor('int64', [values.length], BigInt64Array.from(values, BigInt));
}
