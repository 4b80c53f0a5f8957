import {
  BitwrightError,
  DenseTensor,
  type DType,
  dequantizeTensor,
  floatData,
  integerData,
  type QParams,
  type QuantGrid,
  type Tensor,
} from '@bitwright/core';
import { Attributes } from './attribute.js';
import { type GetAttrNode, type Node, nodeName, type OpNode } from './node.js';
import type { Value } from './value.js';

/** The private domain of the operators that stand for quantization until a dialect lowers them. */
export const BITWRIGHT_DOMAIN = 'ai.bitwright';

/**
 * The operators of the private dialect:
 * QuantStub(x, scale, zero_point) quantizes what enters the model, DeQuantStub(x) marks where quantized values leave it,
 * FakeQuantize(x, scale, zero_point) puts x on a grid in between. Scale (float) and zero point (int32) are scalars or one
 * per channel of `axis`; until calibration they are left out.
 */
export const QUANT_OPS = ['QuantStub', 'DeQuantStub', 'FakeQuantize'] as const;

/** What a quantizer quantizes. */
export type QuantRole = 'activation' | 'weight' | 'bias';

/** The static description of a quantizer: its grid, role, and channel axis. */
export interface QuantSpec extends QuantGrid {
  readonly role: QuantRole;
  readonly axis?: number;
  /** The element type that its codes must be stored in; the dialect's choice where it is left out. */
  readonly carrier?: DType;
}

/** True for a QuantStub or FakeQuantize. */
export function isQuantizer(node: Node | undefined): node is OpNode {
  return node?.kind === 'op' && node.domain === BITWRIGHT_DOMAIN && node.opType !== 'DeQuantStub';
}

/** True for the marker before the model's outputs. */
export function isDeQuantStub(node: Node | undefined): node is OpNode {
  return node?.kind === 'op' && node.domain === BITWRIGHT_DOMAIN && node.opType === 'DeQuantStub';
}

/** The attributes that carry a spec on a quantizer node. */
export function quantAttributes(spec: QuantSpec): Attributes {
  return Attributes.from({
    role: spec.role,
    bits: spec.bits,
    signed: spec.signed ? 1 : 0,
    quant_min: spec.quantMin,
    quant_max: spec.quantMax,
    axis: spec.axis,
    carrier: spec.carrier,
  });
}

/** Reads the spec of a quantizer node. */
export function quantSpecOf(node: OpNode): QuantSpec {
  const { attributes } = node;
  const axis = attributes.has('axis') ? attributes.int('axis', 0) : undefined;
  const carrier = attributes.has('carrier') ? (attributes.string('carrier', '') as DType) : undefined;
  return {
    role: attributes.string('role', 'activation') as QuantRole,
    bits: attributes.int('bits', 8),
    signed: attributes.int('signed', 0) === 1,
    quantMin: attributes.int('quant_min', 0),
    quantMax: attributes.int('quant_max', 255),
    ...(axis !== undefined && { axis }),
    ...(carrier !== undefined && { carrier }),
  };
}

/** Gives a quantizer its scale and zero point as initializers right before it, and the channel axis that they are for. */
export function setQParams(node: OpNode, qparams: Pick<QParams, 'scale' | 'zeroPoint' | 'axis'>): void {
  const { graph } = node;
  const dims = qparams.axis === undefined ? [] : [qparams.scale.length];
  const base = node.inputs[0]!.name;
  for (const [index, suffix, tensor] of [
    [1, 'scale', new DenseTensor('float', dims, qparams.scale)],
    [2, 'zero_point', new DenseTensor('int32', dims, qparams.zeroPoint)],
  ] as const) {
    const before = node.inputs[index];
    node.setInput(index, graph.getAttr(`${base}_${suffix}`, tensor, node).output);
    if (before?.producer.kind === 'get_attr' && before.uses.size === 0)
      before.producer.graph.eraseNode(before.producer);
  }
  if (quantSpecOf(node).axis !== qparams.axis) node.attributes = node.attributes.with({ axis: qparams.axis });
}

/** True once a quantizer has scale and zero point. */
export function hasQParams(node: OpNode): boolean {
  return node.inputs[1] !== undefined && node.inputs[2] !== undefined;
}

/** The full parameters of a calibrated quantizer. @throws QUANTIZER_NOT_CALIBRATED naming the value. */
export function qparamsOf(node: OpNode): QParams & QuantSpec {
  const scale = constantTensor(node.inputs[1]);
  const zeroPoint = constantTensor(node.inputs[2]);
  if (scale === undefined || zeroPoint === undefined) {
    throw new BitwrightError({
      code: 'QUANTIZER_NOT_CALIBRATED',
      message: `The quantizer of '${node.inputs[0]?.name ?? ''}' has no scale and zero point yet.`,
      hint: 'Run calibrate before convert.',
      at: { node: nodeName(node), ...(node.inputs[0] && { value: node.inputs[0].name }) },
    });
  }
  return {
    ...quantSpecOf(node),
    scale: floatData(scale),
    zeroPoint: Int32Array.from(integerData(zeroPoint)),
  };
}

/** The tensor of a value that an initializer makes; undefined for any other value. */
export function constantTensor(value: Value | undefined): Tensor | undefined {
  return value?.producer.kind === 'get_attr' ? (value.producer as GetAttrNode).tensor : undefined;
}

/** A float tensor that stands for integer codes on a grid; its floats are made on demand. */
export class QuantizedTensor implements Tensor {
  readonly dtype = 'float';

  constructor(
    readonly dims: readonly number[],
    /** One code per element, in [quantMin, quantMax]. */
    readonly codes: Int32Array,
    readonly qparams: QParams,
  ) {}

  data(): Float32Array {
    return dequantizeTensor(this.codes, this.dims, this.qparams);
  }
}
