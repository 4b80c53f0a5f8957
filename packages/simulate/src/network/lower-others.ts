import { constantTensor, nodeName, type OpNode } from '@bitwright/graph';
import { makeRequantizer, type RequantizerInit } from '../requantize/requantizer.js';
import type { Grid, MatMulStep, SoftmaxStep } from './integer-network.js';
import { withoutThresholds } from './lower-elementwise.js';
import type { Lowering } from './lowering.js';
import { codeTarget, type Lowered, type Pending, sameGrid } from './pending.js';

type Reason = { readonly code: string; readonly reason: string };

const OPEN = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, moves: [] } as const;

/** Operators that move values and compute none. */
const MOVES = new Set([
  'Reshape',
  'Flatten',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Split',
  'Pad',
  'Resize',
  'Identity',
  'DepthToSpace',
  'SpaceToDepth',
  'Gather',
  'Expand',
  'Tile',
]);

/** True for an operator that only moves values. */
export function isMove(node: OpNode): boolean {
  return node.domain === '' && MOVES.has(node.opType);
}

/** Lowers an operator that only moves values: behind codes it becomes a step, behind a waiting result it waits as well. */
export function lowerMove(node: OpNode, state: Lowering): Reason | undefined {
  const input = state.get(node.inputs[0]);
  const refused = refusedMove(node);
  if (refused !== undefined) return refused;
  if (input === undefined) return { code: 'SIMULATE_FLOAT_INPUT', reason: 'its input is a constant' };
  for (const [index, value] of node.outputs.entries()) {
    if (input.kind === 'pending') {
      state.set(value, { ...input, moves: [...input.moves, { node, index }] });
      continue;
    }
    const grid = input.kind === 'codes' ? input.grid : undefined;
    const output = state.fresh(`${value.name}_moved`);
    state.push({ kind: 'move', name: nodeName(node), node, input: input.name, grid, index, output });
    state.set(value, grid ? { kind: 'codes', name: output, grid } : { kind: 'float', name: output });
  }
  return undefined;
}

function refusedMove(node: OpNode): Reason | undefined {
  const parameters = node.inputs.slice(1);
  if (parameters.some((value) => value !== undefined && constantTensor(value) === undefined))
    return { code: 'SIMULATE_DYNAMIC_SHAPE', reason: 'where it moves values to is computed, not constant' };
  if (node.is('Resize') && node.attributes.string('mode', 'nearest') !== 'nearest')
    return { code: 'SIMULATE_RESIZE', reason: 'it interpolates; only nearest moves codes' };
  if (node.is('Pad') && !['constant', 'edge', 'reflect'].includes(node.attributes.string('mode', 'constant')))
    return {
      code: 'SIMULATE_PADS',
      reason: `the padding mode ${node.attributes.string('mode', '')} is not known`,
    };
  return undefined;
}

/** Lowers Concat: every operand is brought to the grid of the result. */
export function lowerConcat(node: OpNode, state: Lowering): Pending | Lowered | Reason {
  const operands = node.inputs.map((value) => state.get(value));
  const codes = operands.flatMap((operand) => (operand?.kind === 'codes' ? [operand] : []));
  if (codes.length !== operands.length || codes.length === 0)
    return { code: 'SIMULATE_FLOAT_INPUT', reason: 'not all of its operands are quantized' };
  const axis = node.attributes.int('axis', 1);
  return {
    kind: 'pending',
    node,
    ...OPEN,
    finish: (target, output) => {
      if (target.kind === 'float') return undefined;
      const inputs = codes.map((operand) =>
        rescaled(operand, target.grid, state, { low: target.low, high: target.high }),
      );
      return { kind: 'concat', name: nodeName(node), inputs, grid: target.grid, axis, output };
    },
  };
}

/** Codes on another grid; the same name where nothing changes. */
export function rescaled(
  from: { readonly name: string; readonly grid: Grid },
  grid: Grid,
  state: Lowering,
  bounds?: { readonly low: number; readonly high: number },
): string {
  const { low, high } = bounds ?? { low: grid.min, high: grid.max };
  if (sameGrid(from.grid, grid) && low === grid.min && high === grid.max) return from.name;
  const output = state.fresh(`${from.name}_rescaled`);
  const init: RequantizerInit = {
    multiplier: Float32Array.of(from.grid.scale / grid.scale),
    low,
    high,
    zeroPoint: grid.zeroPoint,
  };
  const requantizer = makeRequantizer(init, withoutThresholds(state.hardware('elementwise').requantize));
  state.push({
    kind: 'rescale',
    name: output,
    input: from.name,
    inputGrid: from.grid,
    grid,
    requantizer,
    output,
  });
  return output;
}

/** Lowers a Relu or Clip right behind codes. */
export function lowerClipOfCodes(
  node: OpNode,
  input: { readonly name: string; readonly grid: Grid },
  state: Lowering,
  low: number,
  high: number,
): Pending {
  return {
    kind: 'pending',
    node,
    ...OPEN,
    finish: (target, _output) => {
      if (target.kind === 'float') return undefined;
      const init: RequantizerInit = {
        multiplier: Float32Array.of(input.grid.scale / target.grid.scale),
        ...bounded(
          target.grid,
          Math.max(low, realOf(target.grid, target.low)),
          Math.min(high, realOf(target.grid, target.high)),
        ),
        zeroPoint: target.grid.zeroPoint,
      };
      const requantizer = makeRequantizer(init, withoutThresholds(state.hardware('elementwise').requantize));
      return {
        kind: 'rescale',
        name: nodeName(node),
        input: input.name,
        inputGrid: input.grid,
        grid: target.grid,
        requantizer,
        output: _output,
      };
    },
  };
}

function realOf(grid: Grid, code: number): number {
  return (code - grid.zeroPoint) * grid.scale;
}

function bounded(grid: Grid, low: number, high: number): { low: number; high: number } {
  const target = codeTarget(grid, low, high);
  return target.kind === 'codes' ? { low: target.low, high: target.high } : { low: grid.min, high: grid.max };
}

/** Lowers a MatMul of two tensors of codes. */
export function lowerMatMul(node: OpNode, state: Lowering): Pending | Reason {
  const [a, b] = node.inputs.map((value) => state.get(value));
  if (a?.kind !== 'codes' || b?.kind !== 'codes')
    return { code: 'SIMULATE_FLOAT_INPUT', reason: 'not both of its operands are quantized' };
  const hardware = state.hardware('matmul');
  const scale = Math.fround(a.grid.scale * b.grid.scale);
  const frame = {
    kind: 'matmul' as const,
    name: nodeName(node),
    hardware,
    inputs: [a.name, b.name] as const,
    grids: [a.grid, b.grid] as const,
  };
  return {
    kind: 'pending',
    node,
    ...OPEN,
    finish: (target, output): MatMulStep => {
      if (target.kind === 'float')
        return {
          ...frame,
          output,
          result: {
            kind: 'float',
            dequantizer: { scale: Float32Array.of(scale), low: target.low, high: target.high },
          },
        };
      const { grid, low, high } = target;
      const init = {
        multiplier: Float32Array.of(scale / grid.scale),
        low,
        high,
        zeroPoint: grid.zeroPoint,
      };
      const requantizer = makeRequantizer(init, withoutThresholds(hardware.requantize));
      return { ...frame, output, result: { kind: 'codes', grid, requantizer } };
    },
  };
}

/** Lowers Softmax of at most 8 bits: a table of exponentials in 16 bits, a sum, one division of integers. */
export function lowerSoftmax(node: OpNode, state: Lowering): Pending | Reason {
  const input = state.get(node.inputs[0]);
  const rank = node.inputs[0]?.shape?.length;
  if (input?.kind !== 'codes') return { code: 'SIMULATE_FLOAT_INPUT', reason: 'its input is not quantized' };
  if (input.grid.bits > 8)
    return { code: 'SIMULATE_TABLE', reason: 'a table of its exponentials would be too large' };
  const axis = node.attributes.int('axis', -1);
  if (axis !== -1 && axis !== (rank ?? 0) - 1)
    return { code: 'SIMULATE_AXES', reason: 'it does not run over the last axis' };
  return {
    kind: 'pending',
    node,
    ...OPEN,
    finish: (target, output): SoftmaxStep | undefined => {
      if (target.kind === 'float') return undefined;
      const { grid } = target;
      const table = Int32Array.from({ length: input.grid.max - input.grid.min + 1 }, (_, d) =>
        Math.round(Math.exp(-input.grid.scale * d) * 65535),
      );
      const reciprocal = Math.round(4096 / grid.scale);
      return {
        kind: 'softmax',
        name: nodeName(node),
        input: input.name,
        inputGrid: input.grid,
        grid,
        axis: -1,
        table,
        reciprocal,
        output,
      };
    },
  };
}
