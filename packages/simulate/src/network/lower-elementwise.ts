import { floatData, type Tensor } from '@bitwright/core';
import { constantTensor, nodeName, type OpNode } from '@bitwright/graph';
import { fixedPointMultiplier } from '../arithmetic/fixed-point.js';
import { type FixedPoint, makeRequantizer, type Requantizer } from '../requantize/requantizer.js';
import { binaryFunction, unaryFunction } from './functions.js';
import type { Adder, AddStep, Grid, IntegerStep } from './integer-network.js';
import type { Lowering } from './lowering.js';
import type { Pending, Target } from './pending.js';

const OPEN = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, moves: [] } as const;

type Reason = { readonly code: string; readonly reason: string };

/** Lowers an operator on single elements: a function of one code becomes a table, Add, Sub and Mul of two tensors integer arithmetic. */
export function lowerElementwise(node: OpNode, state: Lowering): Pending | Reason {
  return asFunction(node, state) ?? asBias(node, state) ?? asArithmetic(node, state);
}

/** An operator whose operands are all functions of one code, or scalars. */
function asFunction(node: OpNode, state: Lowering): Pending | undefined {
  const operands = node.inputs.map((value) => {
    const scalar = scalarOf(constantTensor(value));
    if (scalar !== undefined) return { fn: (): number => scalar };
    const lowered = state.get(value);
    if (lowered?.kind === 'codes')
      return { fn: (x: number): number => x, value: lowered.name, grid: lowered.grid };
    return lowered?.kind === 'pending' && lowered.moves.length === 0 ? lowered.of : undefined;
  });
  const bases = operands.flatMap((operand) => (operand && 'value' in operand ? [operand] : []));
  const [base] = bases;
  if (base === undefined || bases.some(({ value }) => value !== base.value)) return undefined;
  if (operands.includes(undefined) || base.grid.bits > 8) return undefined;
  const unary = unaryFunction(node);
  const binary = binaryFunction(node);
  const [first, second] = operands as { fn(x: number): number }[];
  if (unary !== undefined && operands.length === 1)
    return functionOf(node, { ...base, fn: (x) => unary(first!.fn(x)) });
  if (binary !== undefined && operands.length === 2)
    return functionOf(node, { ...base, fn: (x) => binary(first!.fn(x), second!.fn(x)) });
  return undefined;
}

function functionOf(node: OpNode, of: NonNullable<Pending['of']>): Pending {
  return { kind: 'pending', node, ...OPEN, of, finish: (target, output) => table(node, of, target, output) };
}

function table(
  node: OpNode,
  of: NonNullable<Pending['of']>,
  target: Target,
  output: string,
): IntegerStep | undefined {
  if (target.kind === 'float') return undefined;
  const { grid, low, high } = target;
  const codes = Int32Array.from({ length: of.grid.max - of.grid.min + 1 }, (_, i) => {
    const x = Math.fround((of.grid.min + i - of.grid.zeroPoint) * of.grid.scale);
    return nearestCode(of.fn(x), grid, low, high);
  });
  return {
    kind: 'table',
    name: nodeName(node),
    input: of.value,
    inputGrid: of.grid,
    grid,
    table: codes,
    output,
  };
}

function nearestCode(x: number, grid: Grid, low: number, high: number): number {
  const code = requantizeReal(x, grid);
  return Math.min(Math.max(code, low), high);
}

function requantizeReal(x: number, grid: Grid): number {
  const quotient = Math.fround(x / grid.scale);
  const floor = Math.floor(quotient);
  const rest = quotient - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return rounded + grid.zeroPoint;
}

/** An Add of a constant behind a dot product without bias is its bias. */
function asBias(node: OpNode, state: Lowering): Pending | undefined {
  if (!node.is('Add')) return undefined;
  for (const [index, value] of node.inputs.entries()) {
    const constant = constantTensor(value);
    const other = state.get(node.inputs[1 - index]);
    if (constant?.dtype !== 'float' || other?.kind !== 'pending' || other.withBias === undefined) continue;
    if (other.moves.length > 0 || other.low !== OPEN.low || other.high !== OPEN.high) continue;
    const channelAxis = other.node.is('Conv') || other.node.is('ConvTranspose') ? 1 : -1;
    if (!isAlong(constant, channelAxis)) continue;
    return { ...other.withBias(floatData(constant)), node: other.node };
  }
  return undefined;
}

/** True for a tensor with one value for each channel and size 1 everywhere else. */
function isAlong(tensor: Tensor, axis: 1 | -1): boolean {
  const { dims } = tensor;
  if (axis === -1) return dims.slice(0, -1).every((dim) => dim === 1);
  return dims.length > 1 && dims.every((dim, i) => dim === 1 || i === 1);
}

function asArithmetic(node: OpNode, state: Lowering): Pending | Reason {
  const kind = node.opType;
  const [a, b] = node.inputs.map((value) => state.get(value));
  if (!['Add', 'Sub', 'Mul'].includes(kind) || node.domain !== '')
    return { code: 'SIMULATE_OPERATOR', reason: `there is no integer form of ${kind}` };
  if (a?.kind !== 'codes' || b?.kind !== 'codes')
    return { code: 'SIMULATE_FLOAT_INPUT', reason: 'not all of its operands are quantized' };
  const inputs: [string, string] = [a.name, b.name];
  const grids: [Grid, Grid] = [a.grid, b.grid];
  const hardware = state.hardware('elementwise');
  const base = { name: nodeName(node), inputs, grids };
  return {
    kind: 'pending',
    node,
    ...OPEN,
    finish: (target, output) => {
      if (target.kind === 'float') return undefined;
      const { grid, low, high } = target;
      if (kind !== 'Mul') {
        const adder = adderFor(grids, grid, hardware.requantize);
        return {
          kind: 'add',
          ...base,
          hardware,
          subtract: kind === 'Sub',
          grid,
          adder,
          low,
          high,
          output,
        } satisfies AddStep;
      }
      const product = Math.fround(Math.fround(a.grid.scale * b.grid.scale) / grid.scale);
      const requantizer = makeRequantizer(
        { multiplier: Float32Array.of(product), low, high, zeroPoint: grid.zeroPoint },
        withoutThresholds(hardware.requantize),
      );
      return { kind: 'multiply', ...base, grid, requantizer, output };
    },
  };
}

/** Thresholds belong to dot products; elsewhere a device that has them multiplies in fixed point. */
export function withoutThresholds(
  config: Parameters<typeof makeRequantizer>[1],
): Parameters<typeof makeRequantizer>[1] {
  return config.kind === 'thresholds' ? { kind: 'fixed-point', rounding: 'single' } : config;
}

const ADD_LEFT_SHIFT = 20;

function adderFor(
  [a, b]: readonly [Grid, Grid],
  grid: Grid,
  config: Parameters<typeof makeRequantizer>[1],
): Adder {
  const way = withoutThresholds(config);
  if (way.kind === 'float')
    return {
      kind: 'float',
      first: Math.fround(a.scale / grid.scale),
      second: Math.fround(b.scale / grid.scale),
    };
  if (way.kind === 'power-of-two') {
    const first = Math.round(Math.log2(a.scale));
    const second = Math.round(Math.log2(b.scale));
    const least = Math.min(first, second);
    const shift = Math.round(Math.log2(grid.scale)) - least;
    const sum: Requantizer = {
      kind: 'power-of-two',
      rounding: way.rounding ?? 'half-even',
      shift: Int32Array.of(shift),
      ...everything(),
    };
    return { kind: 'power-of-two', first: first - least, second: second - least, sum };
  }
  // TFLite's Add: with 16-bit operands a left shift of 20 would pass 32 bits, 15 does not
  const leftShift = Math.max(a.bits, b.bits) > 8 ? 15 : ADD_LEFT_SHIFT;
  const twice = 2 * Math.max(a.scale, b.scale);
  const bits = way.kind === 'fixed-point' ? (way.bits ?? 31) : 31;
  const rounding = way.kind === 'fixed-point' ? way.rounding : 'single';
  const by = (real: number): FixedPoint => {
    const { multiplier, shift } = fixedPointMultiplier(real, bits);
    return {
      kind: 'fixed-point',
      rounding,
      multiplier: Int32Array.of(multiplier),
      shift: Int32Array.of(shift),
      ...everything(),
    };
  };
  return {
    kind: 'fixed-point',
    leftShift,
    first: by(a.scale / twice),
    second: by(b.scale / twice),
    sum: by(twice / (2 ** leftShift * grid.scale)),
  };
}

function everything(): { low: number; high: number; zeroPoint: number } {
  return { low: -(2 ** 31), high: 2 ** 31 - 1, zeroPoint: 0 };
}

function scalarOf(tensor: Tensor | undefined): number | undefined {
  if (tensor === undefined || tensor.dtype !== 'float') return undefined;
  const data = floatData(tensor);
  return data.length === 1 ? data[0]! : undefined;
}
