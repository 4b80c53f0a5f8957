import { type DType, elementCount, floatTensor, int64Tensor, seededRandom } from '@bitwright/core';
import {
  type AttributeInit,
  type Dim,
  Graph,
  GraphModule,
  lint,
  type OpNode,
  type Value,
} from '@bitwright/graph';
import { splitOpName } from '@bitwright/rewrite';

/** Makes the nodes of a model; values are what it returns. */
export interface ModelBuilder {
  /** An input of the model; float unless a type is given. */
  input(name: string, shape: readonly Dim[], dtype?: DType): Value;
  /** A constant with values in [low, high), -1 to 1 by default, the same for the same seed. */
  random(name: string, dims: readonly number[], low?: number, high?: number): Value;
  /** A float constant; a plain number is a scalar. */
  floats(name: string, values: readonly number[] | number, dims?: readonly number[]): Value;
  /** An int64 constant: axes, shapes, amounts. */
  ints(name: string, values: readonly number[]): Value;
  /** An operator of one result; `domain.OpType` outside the standard domain. */
  op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes?: Readonly<Record<string, AttributeInit>>,
    name?: string,
  ): Value;
  /** An operator of several results. */
  node(
    opType: string,
    inputs: readonly (Value | undefined)[],
    outputs: number,
    attributes?: Readonly<Record<string, AttributeInit>>,
  ): OpNode;
}

/** What else a model is. */
export interface ModelOptions {
  /** 17 by default. */
  readonly opset?: number;
  readonly seed?: number;
}

/** Builds a model by a function that makes its nodes and returns its outputs; it is verified. @throws GRAPH_INVALID. */
export function modelBuilder(
  make: (m: ModelBuilder) => Value | readonly Value[],
  { opset = 17, seed = 1 }: ModelOptions = {},
): GraphModule {
  const module = new GraphModule(new Graph('g'));
  module.irVersion = 8;
  module.opsets.set('', opset);
  const { graph } = module;
  const random = seededRandom(seed);
  const node: ModelBuilder['node'] = (opName, inputs, outputs, attributes = {}) =>
    graph.createOp({ ...splitOpName(opName), inputs, outputs, attributes });
  const made = make({
    input: (name, shape, dtype = 'float') => graph.placeholder(name, { kind: 'tensor', dtype, shape }).output,
    random: (name, dims, low = -1, high = 1) => {
      const values = Array.from({ length: elementCount(dims) }, () => low + random() * (high - low));
      return graph.getAttr(name, floatTensor(values, dims)).output;
    },
    floats: (name, values, dims) => {
      const list = typeof values === 'number' ? [values] : values;
      const shape = dims ?? (typeof values === 'number' ? [] : [values.length]);
      return graph.getAttr(name, floatTensor(list, shape)).output;
    },
    ints: (name, values) => graph.getAttr(name, int64Tensor(values)).output,
    op: (opName, inputs, attributes, name) => {
      const operator = node(opName, inputs, 1, attributes);
      if (name !== undefined) operator.name = name;
      return operator.output;
    },
    node,
  });
  graph.setOutputs('producer' in made ? [made] : made);
  lint(module);
  return module;
}
