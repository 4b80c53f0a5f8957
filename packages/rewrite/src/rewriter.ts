import type { Tensor } from '@bitwright/core';
import type { Attributes, GetAttrNode, OpNode, Value } from '@bitwright/graph';
import type { AttributesOf, OpName } from './op-schemas.js';

/** What an operator can be given as an input: a value, a node (its first result), or undefined for one that is left out. */
export type RewriteInput = Value | OpNode | GetAttrNode | undefined;

/** What else a made operator can be told. */
export interface MadeOptions {
  /** The node's name; by default that of a matched operator of the same type that vanishes, else that of the replaced one. */
  readonly name?: string;
  /** The number of results; 1 by default. */
  readonly outputs?: number;
}

/** Attributes as plain values (typed as the operator wants them), or taken over as they are. */
export type AttributesInit<N extends OpName> = Attributes | Partial<AttributesOf<N>>;

/** One function for each operator: makes a node right before the match's root (behind it, when it reads the root's result) and returns its first result. */
export type OpBuilders = {
  readonly [N in OpName]: (
    inputs: readonly RewriteInput[],
    attributes?: AttributesInit<N>,
    options?: MadeOptions,
  ) => Value;
};

/** The only way in which a rule edits the graph. Nothing is replaced before the rule returns; a rule that throws leaves no trace. */
export interface Rewriter {
  readonly op: OpBuilders;

  /** Makes an operator and returns its node, for those with several results. */
  createOp<N extends OpName>(
    opName: N,
    inputs: readonly RewriteInput[],
    attributes?: AttributesInit<N>,
    options?: MadeOptions,
  ): OpNode;

  /** Makes an initializer; the name is made unique. */
  constant(name: string, tensor: Tensor): Value;

  /**
   * Lets the readers of a node's results, save those made here, read other values instead (undefined for a result that nobody reads). A value made
   * here takes over name and type; an existing one takes over the name only where the result is an output of the graph.
   * Matched operators, and initializers of theirs, that nobody reads any more are erased.
   *
   * @throws REWRITE_OUTPUT_NAME when an output of the graph would lose its name, REWRITE_INCOMPLETE when a result that is
   * read gets no replacement.
   */
  replace(node: OpNode, ...values: readonly RewriteInput[]): void;
}
