import { BitwrightError, DenseTensor, elementCount, int64Tensor, type Tensor } from '@bitwright/core';
import type { AttributeInit, Graph, OpNode, Value } from '@bitwright/graph';

/** A shape whose sizes are all known. */
export type Sizes = readonly number[];

/** What a vector-Jacobian rule sees: an operator, the gradient of its first result, and which inputs need one. */
export interface VjpCall {
  readonly node: OpNode;
  readonly grad: Value;
  /** By input; an input that is not wanted may be given no gradient. */
  readonly wanted: readonly boolean[];
  readonly build: GradientBuilder;
}

/** A rule that turns the gradient of an operator's result into those of its inputs (undefined: none was wanted, or it is zero). */
export type Vjp = (call: VjpCall) => readonly (Value | undefined)[];

/** Makes the nodes of a gradient at the end of a graph, and the constants that they need, each once. */
export class GradientBuilder {
  readonly #constants = new Map<string, Value>();

  constructor(private readonly graph: Graph) {}

  /** One result of a standard operator. */
  op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, AttributeInit | undefined>> = {},
  ): Value {
    return this.graph.createOp({ opType, inputs, attributes }).output;
  }

  /** A list of integers as an initializer. */
  ints(values: readonly number[]): Value {
    return this.#constant(`ints_${values.join('_')}`, () => int64Tensor(values));
  }

  /** A float scalar as an initializer. */
  scalar(value: number): Value {
    return this.#constant(`scalar_${value}`, () => new DenseTensor('float', [], Float32Array.of(value)));
  }

  /** A float tensor as an initializer. */
  floats(values: Float32Array, dims: Sizes): Value {
    return this.graph.getAttr('gradient_constant', new DenseTensor('float', dims, values)).output;
  }

  /** Gives a value another shape of as many elements. */
  reshape(value: Value, dims: Sizes): Value {
    return this.op('Reshape', [value, this.ints(dims)], dims.includes(0) ? { allowzero: 1 } : {});
  }

  /** Sums over axes, which keep the size 1. */
  sum(value: Value, axes: readonly number[]): Value {
    return axes.length === 0 ? value : this.op('ReduceSum', [value, this.ints(axes)], { keepdims: 1 });
  }

  /** 1 where a condition holds, else 0. */
  mask(condition: Value): Value {
    return this.op('Cast', [condition], { to: 1 });
  }

  /** Cuts values out of a tensor. */
  slice(
    value: Value,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps: readonly number[] = axes.map(() => 1),
  ): Value {
    const [s, e, a, t] = [starts, ends, axes, steps].map((list) => this.ints(list));
    return this.op('Slice', [value, s, e, a, t]);
  }

  /** Sums a gradient of one shape down to the shape of an operand that was broadcast to it. */
  unbroadcast(grad: Value, from: Sizes, to: Sizes): Value {
    if (from.length === to.length && from.every((size, i) => size === to[i])) return grad;
    const lead = from.length - to.length;
    const axes = from.flatMap((size, i) => (i < lead || (to[i - lead] === 1 && size !== 1) ? [i] : []));
    return this.reshape(this.sum(grad, axes), to);
  }

  /** The sum of what several readers of a value send back. */
  total(parts: readonly Value[]): Value {
    return parts.length === 1 ? parts[0]! : this.op('Sum', parts);
  }

  #constant(key: string, make: () => Tensor): Value {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const value = this.graph.getAttr(`gradient_${key}`, make()).output;
    this.#constants.set(key, value);
    return value;
  }
}

/** The shape of a value. @throws AUTODIFF_SHAPE when a size is not a number. */
export function sizesOf(value: Value): Sizes {
  const shape = value.shape;
  if (shape?.every((dim) => typeof dim === 'number')) return shape as Sizes;
  throw new BitwrightError({
    code: 'AUTODIFF_SHAPE',
    message: `The gradient of '${value.name}' needs its shape, and not all of its sizes are known.`,
    hint: 'Give the inputs fixed shapes (a fixed batch) and infer shapes first.',
    at: { value: value.name },
  });
}

/** The number of elements of a value. @throws AUTODIFF_SHAPE when a size is not a number. */
export function sizeOf(value: Value): number {
  return elementCount(sizesOf(value));
}

/** The error of an operator, or of a form of one, that has no rule. */
export function unsupported(node: OpNode, what: string): BitwrightError {
  return new BitwrightError({
    code: 'AUTODIFF_UNSUPPORTED',
    message: `The ${node.opType} '${node.displayName}' cannot be differentiated: ${what}.`,
    hint: 'Cut the graph so that this node lies outside.',
    at: { node: node.displayName },
  });
}
