import { BitwrightError, type Diagnostic, type DType, type Tensor } from '@bitwright/core';
import type { GraphModule, Node, OpInit, OpNode, Value } from '@bitwright/graph';
import { dtypeOf } from './known-types.js';

/** Changes one node of the version before so that it is valid, with the same meaning, in the version that the adapter stands for. */
export type Adapter = (node: OpNode, upgrade: Upgrade) => void;

/** An operator to be made by an adapter. */
export interface MadeOp extends Pick<OpInit, 'opType' | 'inputs' | 'attributes'> {
  /** What distinguishes its name from the name of the node that it stands beside. */
  readonly suffix: string;
}

/** One run of an upgrade: what adapters know of it, and the edits that they share. */
export class Upgrade {
  readonly diagnostics: Diagnostic[] = [];
  /** The version that nodes are being brought to right now. */
  version: number;

  constructor(
    readonly module: GraphModule,
    readonly from: number,
    readonly target: number,
  ) {
    this.version = from;
  }

  /** An initializer right before a node. */
  constant(node: OpNode, suffix: string, tensor: Tensor): Value {
    return node.graph.getAttr(`${node.displayName}_${suffix}`, tensor, node).output;
  }

  /** An operator with one result, before `before` (the node itself by default). */
  op(node: OpNode, made: MadeOp, before: Node = node): Value {
    const name = node.graph.freshName(`${node.displayName}_${made.suffix}`);
    const { opType, inputs, attributes } = made;
    const outputs = [{ name }];
    return node.graph.createOp({
      opType,
      name,
      inputs,
      outputs,
      before,
      ...(attributes && { attributes }),
    }).output;
  }

  /** Puts an operator behind a result: it takes over the result's name, type and readers. */
  after(node: OpNode, index: number, make: (result: Value) => MadeOp): void {
    const { graph } = node;
    const result = node.outputs[index]!;
    const { name, type, origin } = result;
    graph.rename(result, graph.freshName(`${name}_before`));
    result.type = undefined;
    const made = this.op(node, make(result), node.next);
    result.replaceAllUsesWith(made, new Set([made.producer]));
    graph.rename(made, name);
    made.type = type;
    made.origin = origin;
  }

  /** Replaces a node of one result by a value that was computed before it; the value takes over name and type. */
  replace(node: OpNode, by: Value): void {
    const { graph, output } = node;
    const { name, type, origin } = output;
    output.replaceAllUsesWith(by);
    graph.eraseNode(node);
    graph.rename(by, name);
    by.type = type;
    by.origin = origin;
  }

  /** The element type of a value; where the model doesn't tell it float is assumed, with a warning. */
  dtype(node: OpNode, value: Value | undefined): DType {
    const dtype = dtypeOf(value);
    if (dtype !== undefined) return dtype;
    this.warn(
      node,
      'OPSET_DTYPE_ASSUMED',
      `the element type of '${value?.name ?? ''}' is not known and float was assumed`,
      'Run shape inference over the model before, if it is another type.',
    );
    return 'float';
  }

  warn(node: OpNode, code: string, why: string, hint: string): void {
    const at = { node: node.displayName };
    const message = `At the ${node.opType} '${node.displayName}' (opset ${this.version - 1} to ${this.version}) ${why}.`;
    this.diagnostics.push({ code, severity: 'warning', message, hint, at });
  }

  /** @throws OPSET_NO_PATH */
  noPath(node: OpNode, reason: string): never {
    throw new BitwrightError({
      code: 'OPSET_NO_PATH',
      message: `The ${node.opType} '${node.displayName}' has no known way from opset ${this.version - 1} to ${this.version} (upgrade from ${this.from} to ${this.target}): ${reason}.`,
      hint: 'Keep the model at its opset, or export it anew at the one that is needed.',
      at: { node: node.displayName },
    });
  }
}
