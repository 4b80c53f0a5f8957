import { codeOfDtype, type DType, type Tensor } from '@bitwright/core';
import {
  ATTRIBUTE_TYPE,
  type AttributeProto,
  encodeModel,
  type ModelProto,
  tensorToProto,
  type ValueInfoProto,
} from '@bitwright/onnx';
import type * as ort from 'onnxruntime-node';
import type { Tensors } from './run-model.js';

/** An attribute: an integer, integers, a word, or the value field of the message. */
export type PlainAttribute = number | readonly (number | bigint)[] | string | Omit<AttributeProto, 'name'>;

/** A model of one standard operator at some opset. */
export interface OneOp {
  readonly opset: number;
  readonly opType: string;
  /** The operator's inputs by name, in order; '' leaves one out. By default all feeds, then all constants. */
  readonly inputs?: readonly string[];
  readonly feeds: Tensors;
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly attributes?: Readonly<Record<string, PlainAttribute>>;
  /** Names of the results; `y` by default. */
  readonly outputs?: readonly string[];
  /** True leaves the shapes of the inputs open, ranks included. */
  readonly openShapes?: boolean;
}

/** Builds the model. */
export function oneOpModel(op: OneOp): ModelProto {
  const { feeds, constants = {}, attributes = {}, outputs = ['y'] } = op;
  return {
    irVersion: op.opset < 9 ? 3 : 8,
    opsetImport: [{ domain: '', version: op.opset }],
    graph: {
      name: 'one',
      node: [
        {
          name: 'it',
          opType: op.opType,
          input: op.inputs ?? [...Object.keys(feeds), ...Object.keys(constants)],
          output: outputs,
          attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
        },
      ],
      input: [
        ...Object.entries(feeds).map(([name, tensor]) => inputOf(name, tensor, op.openShapes === true)),
        ...(op.opset < 9
          ? Object.entries(constants).map(([name, { dtype, dims }]) => info(name, dtype, dims))
          : []),
      ],
      initializer: Object.entries(constants).map(([name, tensor]) => tensorToProto(name, tensor)),
      output: outputs.filter((name) => name !== '').map((name) => ({ name })),
    },
  };
}

/** The bytes of {@link oneOpModel}. */
export function oneOpBytes(op: OneOp): Uint8Array {
  return encodeModel(oneOpModel(op));
}

function attributeOf(name: string, value: PlainAttribute): AttributeProto {
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPE.int, i: value };
  if (typeof value === 'string')
    return { name, type: ATTRIBUTE_TYPE.string, s: new TextEncoder().encode(value) };
  if ('length' in value) return { name, type: ATTRIBUTE_TYPE.ints, ints: value };
  const type = value.f !== undefined ? ATTRIBUTE_TYPE.float : ATTRIBUTE_TYPE.floats;
  return { name, type, ...value };
}

const DTYPE_OF_TYPE: Readonly<Record<string, DType>> = { float32: 'float', float64: 'double' };

function inputOf(name: string, { type, dims }: ort.Tensor, open: boolean): ValueInfoProto {
  return info(name, DTYPE_OF_TYPE[type] ?? (type as DType), open ? undefined : dims);
}

function info(name: string, dtype: DType, dims: readonly number[] | undefined): ValueInfoProto {
  const shape = dims && { dim: dims.map((dimValue) => ({ dimValue })) };
  return { name, type: { tensorType: { elemType: codeOfDtype(dtype), ...(shape && { shape }) } } };
}
