import { DenseTensor, int64Tensor } from '@bitwright/core';
import type { AttributeInit, Graph, Node, Value } from '@bitwright/graph';

/** Writes operators and constants into a graph, right before a node. */
export class GraphWriter {
  constructor(
    private readonly graph: Graph,
    private readonly before: Node = graph.outputNode,
  ) {}

  op(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, AttributeInit>> = {},
  ): Value {
    return this.graph.createOp({ opType, inputs, attributes, before: this.before }).output;
  }

  scalar(value: number): Value {
    return this.floats(Float32Array.of(value), []);
  }

  floats(values: Float32Array, dims: readonly number[]): Value {
    return this.graph.getAttr('constant', new DenseTensor('float', dims, values), this.before).output;
  }

  ints(...values: number[]): Value {
    return this.graph.getAttr('ints', int64Tensor(values), this.before).output;
  }
}
