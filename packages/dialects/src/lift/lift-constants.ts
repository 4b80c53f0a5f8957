import { DTYPES, type DType, type QParams, type QuantGrid, quantGrid } from '@bitwright/core';
import {
  BITWRIGHT_DOMAIN,
  type Node,
  QuantizedTensor,
  type QuantRole,
  quantAttributes,
  setQParams,
  type Use,
  type Value,
} from '@bitwright/graph';
import type { ConstantCodes, Lifter } from './lifter.js';
import { Unliftable } from './read-qparams.js';

/** Operators that only move values, so that a constant's role is that of what reads them. */
const MOVING = ['Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity'];

/** What a constant is to the operator that reads it, and how that one is called. */
export interface ConstantUse {
  readonly role: QuantRole;
  readonly reader: string;
}

/** The role of a constant at one of its uses. */
export function roleAt(use: Use): ConstantUse {
  const { node, index } = use;
  if (node.kind !== 'op') return { role: 'activation', reader: '' };
  const reader = node.displayName;
  if (['Conv', 'ConvTranspose', 'Gemm'].some((opType) => node.is(opType)))
    return { role: index === 2 ? 'bias' : 'weight', reader };
  if (['MatMul', 'Gather', 'LSTM', 'GRU', 'RNN'].some((opType) => node.is(opType)))
    return { role: 'weight', reader };
  const [next] = node.outputs[0]?.uses ?? [];
  if (next !== undefined && MOVING.some((opType) => node.is(opType))) return roleAt(next);
  return { role: 'activation', reader };
}

/**
 * Lets one reader of constant codes read a quantizer of its own. Codes that a reader only transposes, as exporters do with the
 * weights of a MatMul, are transposed here.
 */
export function placeConstant(
  lifter: Lifter,
  constant: ConstantCodes,
  qparams: QParams,
  use: Use,
  before: Node,
  isExact = false,
): Unliftable | undefined {
  const { node } = use;
  if (node.kind === 'op' && node.is('Transpose') && constant.dims.length === 2 && !node.output.isReturned) {
    const perm = node.attributes.ints('perm') ?? [1, 0];
    const turned = perm[0] === 1 ? transposed(constant, qparams) : { constant, qparams };
    for (const inner of [...node.output.uses]) {
      const refused = placeConstant(lifter, turned.constant, turned.qparams, inner, before, isExact);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }
  const made = constantQuantizer(lifter, constant, qparams, roleAt(use), before, isExact);
  if (made instanceof Unliftable) return made;
  node.setInput(use.index, made);
  return undefined;
}

function transposed(
  constant: ConstantCodes,
  qparams: QParams,
): { readonly constant: ConstantCodes; readonly qparams: QParams } {
  const [rows = 0, columns = 0] = constant.dims;
  const codes = constant.codes.map((_, i) => constant.codes[(i % rows) * columns + Math.floor(i / rows)]!);
  const { axis } = qparams;
  return {
    constant: { ...constant, dims: [columns, rows], codes },
    qparams: axis === undefined ? qparams : { ...qparams, axis: 1 - axis },
  };
}

/** Puts constant codes behind a quantizer of the private dialect: codes, scales and zero points are those of the file, on the true grid. */
export function constantQuantizer(
  lifter: Lifter,
  constant: ConstantCodes,
  qparams: QParams,
  use: ConstantUse,
  before: Node,
  /** True where the grid of the parameters is the true one, as QONNX states it. */
  isExact = false,
): Value | Unliftable {
  const role = settledRole(use.role, constant.carrier, qparams);
  const placed = isExact
    ? onStatedGrid(constant, qparams, role)
    : onTrueGrid(lifter, constant, qparams, role, use.reader);
  if (placed instanceof Unliftable) return placed;
  const { graph } = lifter;
  const base = constant.name.replace(/_(codes|quantized)$/, '');
  const tensor = new QuantizedTensor(constant.dims, placed.codes, placed.qparams);
  const source = graph.getAttr(base, tensor, before).output;
  const { axis, bits, signed, quantMin, quantMax } = placed.qparams;
  const spec = { role, bits, signed, quantMin, quantMax, ...(axis !== undefined && { axis }) };
  const node = graph.createOp({
    opType: 'FakeQuantize',
    domain: BITWRIGHT_DOMAIN,
    name: `${source.name}_quantizer`,
    inputs: [source],
    attributes: quantAttributes(spec).with({ tensor: source.name }),
    outputs: [
      { name: graph.freshName(`${source.name}_quantized`), ...(source.type && { type: source.type }) },
    ],
    before,
  });
  setQParams(node, placed.qparams);
  return node.output;
}

/** A bias has zero points of 0 and 8, 16 or 32 bits; an operand has one scale; everything else is kept as weights are. */
function settledRole(role: QuantRole, carrier: DType, qparams: QParams): QuantRole {
  const isBias = /^int(8|16|32)$/.test(carrier) && qparams.zeroPoint.every((zeroPoint) => zeroPoint === 0);
  if (isBias && (role === 'bias' || carrier === 'int32')) return 'bias';
  return role === 'activation' && qparams.axis === undefined ? 'activation' : 'weight';
}

/** Codes on the narrowest grid that the metadata or the codes themselves show; weights always on a signed one. */
function onTrueGrid(
  lifter: Lifter,
  { codes, carrier }: ConstantCodes,
  qparams: QParams,
  role: QuantRole,
  reader: string,
): { readonly codes: Int32Array; readonly qparams: QParams } | Unliftable {
  const { bits: carrierBits } = DTYPES[carrier];
  if (role === 'bias') return { codes, qparams: { ...qparams, ...quantGrid(carrierBits, true) } };
  if (carrierBits === 32) return new Unliftable('LIFT_WIDTH', 'its 32-bit codes are no bias');
  const shift = role === 'weight' && carrier.startsWith('u') ? 2 ** (carrierBits - 1) : 0;
  const moved = shift === 0 ? codes : codes.map((code) => code - shift);
  const zeroPoint = shift === 0 ? qparams.zeroPoint : qparams.zeroPoint.map((zero) => zero - shift);
  const signed = role === 'weight' || carrier.startsWith('int');
  const layer = lifter.widths.get(reader);
  const stated = (role === 'weight' ? layer?.weights?.bits : layer?.activations?.bits) ?? 0;
  const shown = carrierBits === 16 ? 16 : shownBits(moved, zeroPoint, signed, carrierBits === 4 ? 3 : 2);
  const grid: QuantGrid = quantGrid(Math.min(Math.max(shown, stated), carrierBits), signed);
  return { codes: moved, qparams: { ...qparams, ...grid, zeroPoint } };
}

/** Codes on the grid that the file states; weights on a signed one. */
function onStatedGrid(
  { codes }: ConstantCodes,
  qparams: QParams,
  role: QuantRole,
): { readonly codes: Int32Array; readonly qparams: QParams } {
  if (role !== 'weight' || qparams.signed) return { codes, qparams };
  const shift = 2 ** (qparams.bits - 1);
  const { quantMin, quantMax, zeroPoint } = qparams;
  return {
    codes: codes.map((code) => code - shift),
    qparams: {
      ...qparams,
      ...{ signed: true, quantMin: quantMin - shift, quantMax: quantMax - shift },
      zeroPoint: zeroPoint.map((zero) => zero - shift),
    },
  };
}

/** The fewest bits, from `least` on, whose grid holds all codes and zero points. */
function shownBits(codes: Int32Array, zeroPoints: Int32Array, signed: boolean, least: number): number {
  let low = 0;
  let high = 0;
  for (const list of [codes, zeroPoints]) {
    for (const code of list) {
      if (code < low) low = code;
      if (code > high) high = code;
    }
  }
  let bits = least;
  for (let grid = quantGrid(bits, signed); low < grid.quantMin || high > grid.quantMax; ) {
    bits++;
    grid = quantGrid(bits, signed);
  }
  return bits;
}
