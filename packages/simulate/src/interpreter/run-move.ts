import { BitwrightError, floatData, integerData, quantizeValue } from '@bitwright/core';
import { constantTensor, nodeName, type OpNode } from '@bitwright/graph';
import type { MoveStep } from '../network/integer-network.js';
import { type CodeTensor, sizeOf, stridesOf } from './tensor.js';

/** Moves values as Reshape, Transpose, Slice, Pad, nearest Resize and the like do. */
export function runMove(step: MoveStep, input: CodeTensor): CodeTensor {
  const { node } = step;
  switch (node.opType) {
    case 'Identity':
      return input;
    case 'Reshape':
      return reshaped(input, reshapeDims(node, input.dims));
    case 'Flatten': {
      const axis = axisOf(node.attributes.int('axis', 1), input.dims.length);
      return reshaped(input, [sizeOf(input.dims, 0, axis), sizeOf(input.dims, axis)]);
    }
    case 'Squeeze':
    case 'Unsqueeze':
      return reshaped(input, squeezedDims(node, input.dims));
    default: {
      const gathered = plan(step, input.dims);
      return gather(input, gathered.dims, gathered.source, paddingOf(step));
    }
  }
}

/** The shape of a result, and the coordinates in the input that each of its elements comes from; undefined is padding. */
interface Plan {
  readonly dims: readonly number[];
  readonly source: (at: readonly number[]) => readonly number[] | undefined;
}

function plan(step: MoveStep, dims: readonly number[]): Plan {
  const { node, index } = step;
  switch (node.opType) {
    case 'Transpose': {
      const perm = node.attributes.ints('perm') ?? dims.map((_, i) => dims.length - 1 - i);
      const inverse = perm.map((_, i) => perm.indexOf(i));
      return { dims: perm.map((axis) => dims[axis]!), source: (at) => inverse.map((axis) => at[axis]!) };
    }
    case 'Slice':
      return slicePlan(node, dims);
    case 'Split':
      return splitPlan(node, dims, index);
    case 'Pad':
      return padPlan(node, dims);
    case 'Resize':
      return resizePlan(node, dims);
    case 'Gather': {
      const axis = axisOf(node.attributes.int('axis', 0), dims.length);
      const constant = constantTensor(node.inputs[1])!;
      const indices = integerData(constant).map((i) => (i < 0 ? i + dims[axis]! : i));
      const strides = stridesOf(constant.dims);
      const rank = constant.dims.length;
      return {
        dims: [...dims.slice(0, axis), ...constant.dims, ...dims.slice(axis + 1)],
        source: (at) => {
          let picked = 0;
          for (let d = 0; d < rank; d++) picked += at[axis + d]! * strides[d]!;
          return [...at.slice(0, axis), indices[picked]!, ...at.slice(axis + rank)];
        },
      };
    }
    case 'Tile': {
      const repeats = ints(node, 1);
      return {
        dims: dims.map((dim, i) => dim * repeats[i]!),
        source: (at) => at.map((x, i) => x % dims[i]!),
      };
    }
    case 'Expand':
      return expandPlan(ints(node, 1), dims);
    case 'DepthToSpace':
      return depthToSpacePlan(node, dims);
    case 'SpaceToDepth':
      return spaceToDepthPlan(node, dims);
    default:
      throw new BitwrightError({
        code: 'SIMULATE_OPERATOR',
        message: `The interpreter does not move values as '${nodeName(node)}' (${node.opType}) does.`,
        hint: 'Run the emitted integer model instead.',
        at: { node: nodeName(node) },
      });
  }
}

function gather(
  input: CodeTensor,
  dims: readonly number[],
  source: Plan['source'],
  padding: number,
): CodeTensor {
  const strides = stridesOf(input.dims);
  const data =
    input.data instanceof Float32Array ? new Float32Array(sizeOf(dims)) : new Int32Array(sizeOf(dims));
  const at = new Array<number>(dims.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    const from = source(at);
    if (from === undefined) data[i] = padding;
    else {
      let place = 0;
      for (let d = 0; d < strides.length; d++) place += from[d]! * strides[d]!;
      data[i] = input.data[place]!;
    }
    for (let d = dims.length - 1; d >= 0; d--) {
      if (++at[d]! < dims[d]!) break;
      at[d] = 0;
    }
  }
  return { dims, data };
}

/** The code that a Pad writes: its value on the grid, the zero point by default. */
export function paddingOf({ node, grid }: MoveStep): number {
  const constant = node.is('Pad') ? constantTensor(node.inputs[2]) : undefined;
  const value = constant === undefined ? 0 : floatData(constant)[0]!;
  if (grid === undefined) return value;
  const codes = { bits: grid.bits, signed: grid.min < 0, quantMin: grid.min, quantMax: grid.max };
  return quantizeValue(value, grid.scale, grid.zeroPoint, codes);
}

function slicePlan(node: OpNode, dims: readonly number[]): Plan {
  const starts = ints(node, 1);
  const ends = ints(node, 2);
  const axes = node.inputs[3] === undefined ? starts.map((_, i) => i) : ints(node, 3);
  const steps = node.inputs[4] === undefined ? starts.map(() => 1) : ints(node, 4);
  const begin = dims.map(() => 0);
  const stride = dims.map(() => 1);
  const out = [...dims];
  for (const [i, rawAxis] of axes.entries()) {
    const axis = axisOf(rawAxis, dims.length);
    const size = dims[axis]!;
    const step = steps[i]!;
    const bound = (x: number, low: number, high: number): number =>
      Math.min(Math.max(x < 0 ? x + size : x, low), high);
    const first = step > 0 ? bound(starts[i]!, 0, size) : bound(starts[i]!, 0, size - 1);
    const last = step > 0 ? bound(ends[i]!, 0, size) : bound(ends[i]!, -1, size - 1);
    begin[axis] = first;
    stride[axis] = step;
    out[axis] = Math.max(0, Math.ceil((last - first) / step));
  }
  return { dims: out, source: (at) => at.map((x, i) => begin[i]! + x * stride[i]!) };
}

function splitPlan(node: OpNode, dims: readonly number[], index: number): Plan {
  const axis = axisOf(node.attributes.int('axis', 0), dims.length);
  const parts = node.outputs.length;
  const even = Math.ceil(dims[axis]! / parts);
  const given = node.inputs[1] === undefined ? node.attributes.ints('split') : ints(node, 1);
  const sizes = given ?? Array.from({ length: parts }, (_, i) => Math.min(even, dims[axis]! - i * even));
  const begin = sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
  return {
    dims: dims.map((dim, i) => (i === axis ? sizes[index]! : dim)),
    source: (at) => at.map((x, i) => (i === axis ? x + begin : x)),
  };
}

function padPlan(node: OpNode, dims: readonly number[]): Plan {
  const pads = node.inputs[1] === undefined ? node.attributes.ints('pads')! : ints(node, 1);
  const axes =
    node.inputs[3] === undefined ? dims.map((_, i) => i) : ints(node, 3).map((a) => axisOf(a, dims.length));
  const begins = dims.map((_, i) => (axes.includes(i) ? pads[axes.indexOf(i)]! : 0));
  const ends = dims.map((_, i) => (axes.includes(i) ? pads[axes.indexOf(i) + axes.length]! : 0));
  const mode = node.attributes.string('mode', 'constant');
  const place = (x: number, size: number): number | undefined => {
    if (x >= 0 && x < size) return x;
    if (mode === 'constant') return undefined;
    if (mode === 'edge') return Math.min(Math.max(x, 0), size - 1);
    return x < 0 ? -x : 2 * (size - 1) - x;
  };
  return {
    dims: dims.map((dim, i) => dim + begins[i]! + ends[i]!),
    source: (at) => {
      const from: number[] = [];
      for (const [i, x] of at.entries()) {
        const found = place(x - begins[i]!, dims[i]!);
        if (found === undefined) return undefined;
        from.push(found);
      }
      return from;
    },
  };
}

/** Nearest Resize with every coordinate transformation that only scales (onnx/defs/tensor). */
function resizePlan(node: OpNode, dims: readonly number[]): Plan {
  const scalesGiven = constantTensor(node.inputs[2]);
  const sizes = constantTensor(node.inputs[3]) === undefined ? undefined : ints(node, 3);
  const scales = sizes?.map((size, i) => size / dims[i]!) ?? Array.from(floatData(scalesGiven!));
  const out = sizes ?? dims.map((dim, i) => Math.floor(dim * scales[i]!));
  const transform = node.attributes.string('coordinate_transformation_mode', 'half_pixel');
  const rounding = node.attributes.string('nearest_mode', 'round_prefer_floor');
  const original = (x: number, i: number): number => {
    const scale = scales[i]!;
    if (scale === 1) return x;
    if (transform === 'asymmetric') return x / scale;
    if (transform === 'align_corners') return out[i] === 1 ? 0 : (x * (dims[i]! - 1)) / (out[i]! - 1);
    if (transform === 'pytorch_half_pixel' && out[i] === 1) return 0;
    return (x + 0.5) / scale - 0.5;
  };
  const nearest = (x: number): number => {
    if (rounding === 'floor') return Math.floor(x);
    if (rounding === 'ceil') return Math.ceil(x);
    return rounding === 'round_prefer_ceil' ? Math.floor(x + 0.5) : Math.ceil(x - 0.5);
  };
  return {
    dims: out,
    source: (at) => at.map((x, i) => Math.min(Math.max(nearest(original(x, i)), 0), dims[i]! - 1)),
  };
}

function expandPlan(shape: readonly number[], dims: readonly number[]): Plan {
  const rank = Math.max(shape.length, dims.length);
  const padded = [...new Array<number>(rank - dims.length).fill(1), ...dims];
  const wanted = [...new Array<number>(rank - shape.length).fill(1), ...shape];
  return {
    dims: padded.map((dim, i) => Math.max(dim, wanted[i]!)),
    source: (at) => at.map((x, i) => (padded[i] === 1 ? 0 : x)).slice(rank - dims.length),
  };
}

function depthToSpacePlan(node: OpNode, dims: readonly number[]): Plan {
  const block = node.attributes.int('blocksize', 1);
  const [n, c, h, w] = dims as [number, number, number, number];
  const depth = c / (block * block);
  const columnFirst = node.attributes.string('mode', 'DCR') === 'CRD';
  return {
    dims: [n, depth, h * block, w * block],
    source: ([b, d, y, x]) => {
      const sub = (y! % block) * block + (x! % block);
      const channel = columnFirst ? d! * block * block + sub : sub * depth + d!;
      return [b!, channel, Math.floor(y! / block), Math.floor(x! / block)];
    },
  };
}

function spaceToDepthPlan(node: OpNode, dims: readonly number[]): Plan {
  const block = node.attributes.int('blocksize', 1);
  const [n, c, h, w] = dims as [number, number, number, number];
  return {
    dims: [n, c * block * block, h / block, w / block],
    source: ([b, d, y, x]) => {
      const sub = Math.floor(d! / c);
      return [b!, d! % c, y! * block + Math.floor(sub / block), x! * block + (sub % block)];
    },
  };
}

function reshaped(input: CodeTensor, dims: readonly number[]): CodeTensor {
  return { dims, data: input.data };
}

function reshapeDims(node: OpNode, dims: readonly number[]): number[] {
  const keepZero = node.attributes.int('allowzero', 0) === 1;
  const wanted = ints(node, 1).map((dim, i) => (dim === 0 && !keepZero ? dims[i]! : dim));
  const open = wanted.indexOf(-1);
  if (open >= 0) wanted[open] = -sizeOf(dims) / sizeOf(wanted);
  return wanted;
}

function squeezedDims(node: OpNode, dims: readonly number[]): number[] {
  const given = node.inputs[1] === undefined ? node.attributes.ints('axes') : ints(node, 1);
  if (node.is('Squeeze')) {
    const axes = given?.map((axis) => axisOf(axis, dims.length));
    return dims.filter((dim, i) => (axes === undefined ? dim !== 1 : !axes.includes(i)));
  }
  const rank = dims.length + given!.length;
  const axes = given!.map((axis) => axisOf(axis, rank));
  const rest = [...dims];
  return Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!));
}

function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

function ints(node: OpNode, index: number): number[] {
  return integerData(constantTensor(node.inputs[index])!);
}
