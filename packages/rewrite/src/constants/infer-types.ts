import { type DType, dtypeOfCode } from '@bitwright/core';
import { BITWRIGHT_DOMAIN, type Dim, type OpNode } from '@bitwright/graph';
import { normalAxis } from './axes.js';
import { broadcastShapes, type Shape } from './dims.js';
import { SHAPE_RULES, type ShapeCall } from './infer-shape.js';
import { intsArgument } from './kernel.js';

/** What is inferred of one result. */
export interface InferredType {
  readonly dtype: DType | undefined;
  readonly shape: Shape;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Operators whose first result has the shape of their first input. */
const KEEPS_SHAPE = words(
  'Relu LeakyRelu PRelu ThresholdedRelu Clip Sigmoid HardSigmoid HardSwish Tanh Exp Log Sqrt Reciprocal Abs Neg Floor Ceil Round Sign ' +
    'Erf Elu Selu Celu Gelu Mish Swish Softplus Softsign Softmax LogSoftmax Hardmax BatchNormalization InstanceNormalization ' +
    'LayerNormalization GroupNormalization RMSNormalization LpNormalization MeanVarianceNormalization LRN Identity Dropout Cast CumSum ' +
    'Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Not IsNaN BitwiseNot CastLike Trilu Shrink QuantizeLinear DequantizeLinear ' +
    'ScatterND ScatterElements Scatter ReverseSequence',
);

/** Operators whose result has the shape that their inputs broadcast to. */
const BROADCASTS = words(
  'Add Sub Mul Div Pow Mod Max Min Sum Mean And Or Xor Equal Less Greater LessOrEqual GreaterOrEqual BitwiseAnd BitwiseOr ' +
    'BitwiseXor BitShift Where',
);

const MAKES_BOOL = words('Equal Less Greater LessOrEqual GreaterOrEqual And Or Xor Not IsNaN IsInf');
const MAKES_INT64 = words('Shape Size ArgMax ArgMin NonZero');
const MAKES_INT32 = words('ConvInteger MatMulInteger');

/** What can be said of an operator's results; an empty list for an operator that is not known. */
export function inferTypes(call: ShapeCall): readonly InferredType[] {
  const { node } = call;
  if (node.domain === BITWRIGHT_DOMAIN) return [{ dtype: 'float', shape: call.shapes[0] }];
  if (node.domain !== '') return [];
  if (node.opType === 'Split') return split(call);
  const shape = firstShape(call);
  const dtype = firstDtype(call);
  return shape === undefined && dtype === undefined ? [] : [{ dtype, shape }];
}

function firstShape(call: ShapeCall): Shape {
  const { opType } = call.node;
  if (KEEPS_SHAPE.has(opType)) return call.shapes[0];
  if (BROADCASTS.has(opType)) return broadcastShapes(call.shapes);
  return Object.hasOwn(SHAPE_RULES, opType) ? SHAPE_RULES[opType]!(call) : undefined;
}

function firstDtype({ node }: ShapeCall): DType | undefined {
  const { opType, inputs, attributes } = node;
  if (MAKES_BOOL.has(opType)) return 'bool';
  if (MAKES_INT64.has(opType)) return 'int64';
  if (MAKES_INT32.has(opType)) return 'int32';
  switch (opType) {
    case 'Cast':
      return dtypeOfCode(attributes.int('to', 0));
    case 'CastLike':
      return inputs[1]?.dtype;
    case 'Where':
      return inputs[1]?.dtype ?? inputs[2]?.dtype;
    case 'QuantizeLinear':
      return inputs[2]?.dtype ?? 'uint8';
    case 'DequantizeLinear':
      return inputs[1]?.dtype;
    case 'QLinearConv':
      return inputs[7]?.dtype;
    case 'ConstantOfShape':
      return attributes.has('value') ? attributes.tensor('value')?.dtype : 'float';
    default:
      return KEEPS_SHAPE.has(opType) || BROADCASTS.has(opType) || Object.hasOwn(SHAPE_RULES, opType)
        ? inputs[0]?.dtype
        : undefined;
  }
}

function split(call: ShapeCall): readonly InferredType[] {
  const { node, shapes } = call;
  const [x] = shapes;
  const axis = x && normalAxis(node.attributes.int('axis', 0), x.length);
  const parts = intsArgument(call, 1, 'split');
  const count = node.outputs.length;
  const length = axis === undefined ? undefined : x?.[axis];
  const each = typeof length === 'number' ? Math.ceil(length / count) : undefined;
  return node.outputs.map((_, i) => {
    const even = each === undefined ? undefined : Math.min(each, (length as number) - i * each);
    const part: Dim = parts === undefined ? undefined : parts.length > 0 ? parts[i] : even;
    return { dtype: node.inputs[0]?.dtype, shape: x?.map((dim, at) => (at === axis ? part : dim)) };
  });
}

/** The shapes of an operator's inputs. */
export function inputShapes(node: OpNode): readonly Shape[] {
  return node.inputs.map((value) => value?.shape);
}
