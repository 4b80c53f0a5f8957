import { type DType, dtypeOfCode, elementCount } from '@bitwright/core';
import { broadcastIndices, broadcastNumbers, normalAxes } from './axes.js';
import { intsArgument, type Kernel } from './kernel.js';
import {
  allNumbers,
  type Element,
  isBig,
  isInteger,
  isKnownDType,
  type KnownValue,
  knownOfTensor,
  wrapped,
} from './known-value.js';

type Plain = number | bigint;
type Binary = (a: Plain, b: Plain, dtype: DType) => Plain | undefined;

/** An elementwise operator of two inputs; `big` computes on 64-bit integers, `small` on the rest. */
function binary(
  small: (a: number, b: number, dtype: DType) => number | undefined,
  big: (a: bigint, b: bigint) => bigint | undefined,
): Kernel {
  return elementwise((a, b, dtype) => {
    const result = isBig(dtype) ? big(a as bigint, b as bigint) : small(a as number, b as number, dtype);
    return result === undefined ? undefined : wrapped(dtype, result);
  });
}

function comparison(holds: (a: Plain, b: Plain) => boolean): Kernel {
  return elementwise((a, b) => (holds(a, b) ? 1 : 0), 'bool');
}

function elementwise(apply: Binary, result?: DType): Kernel {
  return ({ inputs: [a, b], limit }) => {
    const dims = a && b && broadcastNumbers(a.dims, b.dims);
    if (a === undefined || b === undefined || dims === undefined || elementCount(dims) > limit)
      return undefined;
    const left = broadcastIndices(a.dims, dims);
    const right = broadcastIndices(b.dims, dims);
    const elements = Array.from(left, (l, i): Element => {
      const x = a.elements[l];
      const y = b.elements[right[i]!];
      if (typeof x === 'string' || typeof y === 'string' || x === undefined || y === undefined)
        return undefined;
      return apply(x, y, a.dtype);
    });
    return { dtype: result ?? a.dtype, dims, elements };
  };
}

function unary(apply: (value: Plain) => Plain): Kernel {
  return ({ inputs: [x] }) =>
    x && {
      ...x,
      elements: x.elements.map((e) =>
        typeof e === 'string' || e === undefined ? undefined : wrapped(x.dtype, apply(e)),
      ),
    };
}

const cast: Kernel = ({ node, inputs: [x] }) => castTo(dtypeOfCode(node.attributes.int('to', 0)), x);

/** Only the type of the second input matters, which so need not be constant. */
const castLike: Kernel = ({ node, inputs: [x] }) => castTo(node.inputs[1]?.dtype, x);

function castTo(dtype: DType | undefined, x: KnownValue | undefined): KnownValue | undefined {
  if (x === undefined || !isKnownDType(dtype)) return undefined;
  const elements = x.elements.map((e): Element => {
    if (e === undefined || typeof e === 'string') return isInteger(dtype) ? e : undefined;
    // What a float beyond the range becomes is not defined, so it is not folded.
    if (isInteger(dtype) && typeof e === 'number' && !(Math.abs(e) < 2 ** 31)) return undefined;
    // Rounding to a double first could round twice.
    if (!isInteger(dtype) && typeof e === 'bigint' && !Number.isSafeInteger(Number(e))) return undefined;
    return wrapped(dtype, e);
  });
  return { dtype, dims: x.dims, elements };
}

const constantOfShape: Kernel = ({ node, inputs: [shape], limit }) => {
  const dims = allNumbers(shape);
  if (dims === undefined || elementCount(dims) > limit || dims.some((dim) => dim < 0)) return undefined;
  const tensor = node.attributes.tensor('value');
  const fill: KnownValue | undefined =
    tensor === undefined ? { dtype: 'float', dims: [1], elements: [0] } : knownOfTensor(tensor, 1);
  return (
    fill && {
      dtype: fill.dtype,
      dims,
      elements: new Array<Element>(elementCount(dims)).fill(fill.elements[0]),
    }
  );
};

const range: Kernel = ({ inputs, limit }) => {
  const [start, end, step] = inputs.map((input) => allNumbers(input)?.[0]);
  const dtype = inputs[0]?.dtype;
  if (start === undefined || end === undefined || !step || dtype === undefined) return undefined;
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (count > limit || !isInteger(dtype)) return undefined;
  const elements = Array.from({ length: count }, (_, i) =>
    isBig(dtype) ? BigInt(start + i * step) : start + i * step,
  );
  return { dtype, dims: [count], elements };
};

const expand: Kernel = ({ inputs: [x, shape], limit }) => {
  const target = allNumbers(shape);
  const dims = x && target && broadcastNumbers(x.dims, target);
  if (x === undefined || dims === undefined || elementCount(dims) > limit) return undefined;
  return { ...x, dims, elements: Array.from(broadcastIndices(x.dims, dims), (i) => x.elements[i]) };
};

const where: Kernel = ({ inputs: [condition, x, y], limit }) => {
  const both = x && y && broadcastNumbers(x.dims, y.dims);
  const dims = both && condition && broadcastNumbers(condition.dims, both);
  if (!condition || !x || !y || !dims || elementCount(dims) > limit) return undefined;
  const [c, a, b] = [condition, x, y].map((known) => broadcastIndices(known.dims, dims));
  const elements = Array.from(c!, (at, i): Element => {
    const chosen = condition.elements[at];
    if (chosen === undefined) return undefined;
    return chosen === 0 ? y.elements[b![i]!] : x.elements[a![i]!];
  });
  return { dtype: x.dtype, dims, elements };
};

/** A reduction over all axes or some, in exact integers; floats are left to a runtime. */
function reduce(start: bigint | undefined, combine: (a: bigint, b: bigint) => bigint): Kernel {
  return (call) => {
    const [x] = call.inputs;
    const given = intsArgument(call, 1, 'axes');
    if (x === undefined || given === undefined || !isInteger(x.dtype) || x.elements.length === 0)
      return undefined;
    const { attributes } = call.node;
    if (given.length === 0 && attributes.int('noop_with_empty_axes', 0) !== 0) return x;
    const axes = normalAxes(given.length === 0 ? x.dims.map((_, i) => i) : given, x.dims.length);
    if (axes === undefined) return undefined;
    const kept = x.dims.map((dim, i) => (axes.includes(i) ? 1 : dim));
    const into = broadcastIndices(kept, x.dims);
    const sums = new Array<bigint | undefined>(elementCount(kept)).fill(start);
    const unknown = new Set<number>();
    for (const [i, element] of x.elements.entries()) {
      const at = into[i]!;
      if (typeof element === 'string' || element === undefined) unknown.add(at);
      else sums[at] = sums[at] === undefined ? BigInt(element) : combine(sums[at], BigInt(element));
    }
    const elements = sums.map((sum, i): Element => {
      if (sum === undefined || unknown.has(i)) return undefined;
      return wrapped(x.dtype, isBig(x.dtype) ? sum : Number(sum));
    });
    const dims = attributes.int('keepdims', 1) !== 0 ? kept : x.dims.filter((_, i) => !axes.includes(i));
    return { dtype: x.dtype, dims, elements };
  };
}

const max = <T extends Plain>(a: T, b: T): T => (a > b ? a : b);
const min = <T extends Plain>(a: T, b: T): T => (a < b ? a : b);
/** Max and Min of exactly two integers. */
const integersOnly =
  (kernel: Kernel): Kernel =>
  (call) =>
    call.inputs.length === 2 && call.inputs[0] !== undefined && isInteger(call.inputs[0].dtype)
      ? kernel(call)
      : undefined;

/** Kernels that compute. */
export const ARITHMETIC_KERNELS: Readonly<Record<string, Kernel>> = {
  Add: binary(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  Sub: binary(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Mul: binary(
    (a, b, dtype) =>
      dtype === 'int32' || dtype === 'uint32' ? Number((BigInt(a) * BigInt(b)) & 0xffffffffn) : a * b,
    (a, b) => a * b,
  ),
  Div: binary(
    (a, b, dtype) => (isInteger(dtype) ? (b === 0 ? undefined : Math.trunc(a / b)) : a / b),
    (a, b) => (b === 0n ? undefined : a / b),
  ),
  Max: integersOnly(binary(max, max)),
  Min: integersOnly(binary(min, min)),
  Equal: comparison((a, b) => a === b),
  Less: comparison((a, b) => a < b),
  Greater: comparison((a, b) => a > b),
  And: comparison((a, b) => a !== 0 && b !== 0),
  Or: comparison((a, b) => a !== 0 || b !== 0),
  Not: unary((a) => (a === 0 ? 1 : 0)),
  Neg: unary((a) => -a),
  Floor: unary((a) => Math.floor(Number(a))),
  Ceil: unary((a) => Math.ceil(Number(a))),
  Cast: cast,
  CastLike: castLike,
  ConstantOfShape: constantOfShape,
  Range: range,
  Expand: expand,
  Where: where,
  ReduceProd: reduce(1n, (a, b) => a * b),
  ReduceSum: reduce(0n, (a, b) => a + b),
  ReduceMax: reduce(undefined, max),
  ReduceMin: reduce(undefined, min),
};
