import { integerData } from '@bitwright/core';
import { constantTensor, nodeName, type OpNode } from '@bitwright/graph';
import { makeRequantizer } from '../requantize/requantizer.js';
import type { AverageStep } from './integer-network.js';
import { withoutThresholds } from './lower-elementwise.js';
import type { Lowering } from './lowering.js';
import type { Lowered, Pending } from './pending.js';
import { windowOf } from './window.js';

type Reason = { readonly code: string; readonly reason: string };

/** Lowers AveragePool, GlobalAveragePool and ReduceMean: a sum of codes, divided by the requantizer's multiplier. */
export function lowerAverage(node: OpNode, state: Lowering): Pending | Reason {
  const input = state.get(node.inputs[0]);
  if (input?.kind !== 'codes') return { code: 'SIMULATE_FLOAT_INPUT', reason: 'its input is not quantized' };
  const over = areaOf(node);
  if ('code' in over) return over;
  const { count, ...area } = over;
  const hardware = state.hardware('pool');
  const { grid: inputGrid, name } = input;
  const frame = {
    kind: 'average' as const,
    name: nodeName(node),
    hardware,
    input: name,
    inputGrid,
    over: area.over,
    count,
  };
  return {
    kind: 'pending',
    node,
    low: Number.NEGATIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
    moves: [],
    finish: (target, output): AverageStep => {
      const scale = Float32Array.of(inputGrid.scale / count);
      if (target.kind === 'float')
        return {
          ...frame,
          output,
          result: { kind: 'float', dequantizer: { scale, low: target.low, high: target.high } },
        };
      const { grid, low, high } = target;
      const requantizer = makeRequantizer(
        {
          multiplier: scale.map((one) => one / grid.scale),
          low,
          high,
          zeroPoint: grid.zeroPoint,
        },
        withoutThresholds(hardware.requantize),
      );
      return { ...frame, output, result: { kind: 'codes', grid, requantizer } };
    },
  };
}

function areaOf(node: OpNode): { over: AverageStep['over']; count: number } | Reason {
  const shape = node.inputs[0]?.shape;
  if (node.is('AveragePool')) {
    const window = windowOf(node, []);
    if (window === undefined)
      return { code: 'SIMULATE_PADS', reason: 'its padding depends on the input (auto_pad)' };
    const padded = window.pads.some((pad) => pad !== 0);
    if (
      (padded && node.attributes.int('count_include_pad', 0) === 0) ||
      node.attributes.int('ceil_mode', 0) === 1
    )
      return { code: 'SIMULATE_POOL_BORDER', reason: 'its windows at the border divide by other counts' };
    const channels = shape?.[1];
    if (typeof channels !== 'number')
      return { code: 'SIMULATE_SHAPE', reason: 'its number of channels is not known' };
    return { over: { window, channels }, count: window.kernel.reduce((product, size) => product * size, 1) };
  }
  const rank = shape?.length;
  if (rank === undefined) return { code: 'SIMULATE_SHAPE', reason: "its input's shape is not known" };
  const axes = axesOf(node, rank);
  if (axes === undefined) return { code: 'SIMULATE_AXES', reason: 'its axes are computed' };
  let count = 1;
  for (const axis of axes) {
    const size = shape![axis];
    if (typeof size !== 'number')
      return { code: 'SIMULATE_SHAPE', reason: 'the number of averaged values is not known' };
    count *= size;
  }
  const keepDims = node.is('GlobalAveragePool') || node.attributes.int('keepdims', 1) === 1;
  return { over: { axes, keepDims }, count };
}

function axesOf(node: OpNode, rank: number): number[] | undefined {
  if (node.is('GlobalAveragePool')) return Array.from({ length: rank - 2 }, (_, i) => i + 2);
  const constant = constantTensor(node.inputs[1]);
  if (node.inputs[1] !== undefined && constant === undefined) return undefined;
  const axes = constant === undefined ? node.attributes.ints('axes') : integerData(constant);
  if (axes === undefined || axes.length === 0) return Array.from({ length: rank }, (_, i) => i);
  return axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
}

/** Lowers MaxPool: the largest code of each window, on the grid of its input. */
export function lowerMaxPool(node: OpNode, state: Lowering): Lowered | Reason {
  const input = state.get(node.inputs[0]);
  if (input?.kind !== 'codes') return { code: 'SIMULATE_FLOAT_INPUT', reason: 'its input is not quantized' };
  const window = windowOf(node, []);
  if (window === undefined)
    return { code: 'SIMULATE_PADS', reason: 'its padding depends on the input (auto_pad)' };
  if (node.outputs.length > 1 && node.outputs[1]!.uses.size > 0)
    return { code: 'SIMULATE_INDICES', reason: 'the indices that it gives are read' };
  const output = state.fresh(`${node.output.name}_codes`);
  const ceil = node.attributes.int('ceil_mode', 0) === 1;
  const { grid } = input;
  state.push({ kind: 'max-pool', name: nodeName(node), input: input.name, grid, window, ceil, output });
  return { kind: 'codes', name: output, grid };
}
