import { type DType, dtypeOfCode, type Tensor } from '@bitwright/core';
import { constantTensor, type OpNode, type Value } from '@bitwright/graph';

const MAX_DEPTH = 100;

/** Operators whose first result has as many axes as their first input. */
const RANK_KEEPING = new Set(
  `Abs Acos Asin Atan AveragePool BatchNormalization BitShift Cast Ceil Celu Clip Concat Conv ConvInteger ConvTranspose Cos
  CumSum DepthToSpace DequantizeLinear Dropout Elu Erf Exp Floor Gelu GlobalAveragePool GlobalLpPool GlobalMaxPool
  GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization LRN LayerNormalization LeakyRelu Log
  LogSoftmax LpNormalization LpPool MaxPool Mish Mod Neg Not PRelu Pad QuantizeLinear Reciprocal Relu Resize ReverseSequence
  Round ScatterElements ScatterND Selu Shrink Sigmoid Sign Sin Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Swish
  Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Upsample`.split(/\s+/),
);

/** Operators that broadcast all their inputs against each other. */
const BROADCASTING = new Set(
  `Add And BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mul Or Pow Sub Sum
  Where Xor`.split(/\s+/),
);

/** The tensor of a value that is fixed in the model: an initializer or a Constant node. */
export function constantOf(value: Value | undefined): Tensor | undefined {
  const producer = value?.producer;
  if (producer?.kind === 'op')
    return producer.is('Constant') ? producer.attributes.tensor('value') : undefined;
  return constantTensor(value);
}

/** The number of axes of a value, as far as declarations and a few sure rules tell it. */
export function rankOf(value: Value | undefined, depth = 0): number | undefined {
  if (value === undefined || depth > MAX_DEPTH) return undefined;
  if (value.shape !== undefined) return value.shape.length;
  const { producer } = value;
  return producer.kind === 'op' && producer.domain === '' ? rankOfResult(producer, depth + 1) : undefined;
}

function rankOfResult(node: OpNode, depth: number): number | undefined {
  const input = (index: number): number | undefined => rankOf(node.inputs[index], depth);
  if (RANK_KEEPING.has(node.opType)) return input(0);
  if (BROADCASTING.has(node.opType)) {
    const ranks = node.inputs.map((_, index) => input(index));
    return ranks.every((rank) => rank !== undefined) ? Math.max(...ranks) : undefined;
  }
  switch (node.opType) {
    case 'Constant':
      return node.attributes.tensor('value')?.dims.length;
    case 'Flatten':
    case 'Gemm':
      return 2;
    case 'Shape':
      return 1;
    case 'Reshape':
      return constantOf(node.inputs[1])?.dims[0] ?? node.attributes.ints('shape')?.length;
    case 'Squeeze':
      return sum(input(0), -1, axesCount(node));
    case 'Unsqueeze':
      return sum(input(0), 1, axesCount(node));
    case 'Gather':
      return sum(sum(input(0), 1, input(1)), -1, 1);
    case 'MatMul': {
      const [a, b] = [input(0), input(1)];
      return a !== undefined && b !== undefined && Math.min(a, b) >= 2 ? Math.max(a, b) : undefined;
    }
    default:
      return node.opType.startsWith('Reduce') && node.attributes.int('keepdims', 1) === 1
        ? input(0)
        : undefined;
  }
}

function sum(rank: number | undefined, sign: 1 | -1, count: number | undefined): number | undefined {
  return rank === undefined || count === undefined ? undefined : rank + sign * count;
}

function axesCount(node: OpNode): number | undefined {
  return node.attributes.ints('axes')?.length ?? constantOf(node.inputs[1])?.dims[0];
}

const RESULT_DTYPES: Readonly<Record<string, DType>> = {
  Shape: 'int64',
  Size: 'int64',
  NonZero: 'int64',
  ArgMax: 'int64',
  ArgMin: 'int64',
  Equal: 'bool',
  Greater: 'bool',
  GreaterOrEqual: 'bool',
  Less: 'bool',
  LessOrEqual: 'bool',
  And: 'bool',
  Or: 'bool',
  Xor: 'bool',
  Not: 'bool',
  IsInf: 'bool',
  IsNaN: 'bool',
};

/** Operators with bodies, sequences and the like, whose results have types of their own. */
const OWN_TYPED =
  /^(If|Loop|Scan|Sequence|Optional|ConcatFromSequence|Split.+|String.*|TfIdf.*|Random.*|EyeLike)/;

/** The element type of a value, as far as declarations and the rule that most operators keep it tell. */
export function dtypeOf(value: Value | undefined): DType | undefined {
  let at = value;
  while (at !== undefined) {
    if (at.dtype !== undefined) return at.dtype;
    const node = at.producer;
    if (node.kind !== 'op' || node.domain !== '' || at.index !== 0 || OWN_TYPED.test(node.opType))
      return undefined;
    const fixed = RESULT_DTYPES[node.opType];
    if (fixed !== undefined) return fixed;
    if (node.is('Cast')) return dtypeOfCode(node.attributes.int('to', 0));
    if (node.is('Constant')) return node.attributes.tensor('value')?.dtype;
    if (node.is('ConstantOfShape')) return node.attributes.tensor('value')?.dtype ?? 'float';
    at = node.inputs[INDEX_OF_TYPED_INPUT[node.opType] ?? 0];
  }
  return undefined;
}

/** The input that decides the element type of the result, where it isn't the first. */
const INDEX_OF_TYPED_INPUT: Readonly<Record<string, number>> = {
  Where: 1,
  OneHot: 2,
  QuantizeLinear: 2,
  DequantizeLinear: 1,
  CastLike: 1,
};
