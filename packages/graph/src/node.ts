import { BitwrightError, type Tensor } from '@bitwright/core';
import { Attributes, graphsOf } from './attribute.js';
import { recordEdit } from './edit-log.js';
import type { Graph } from './graph.js';
import { type Use, Value, type ValueType } from './value.js';

/** A result to be made: its name (fresh when absent) and what is known of its type. */
export interface OutputInit {
  readonly name?: string;
  readonly type?: ValueType;
}

/** What all nodes share: a place in the ordered list of one graph, inputs, outputs, notes. */
abstract class NodeBase {
  #meta: Map<string, unknown> | undefined;
  /** The protobuf message that the node was read from, so that documentation and unknown fields survive. */
  origin: unknown;
  #inputs: (Value | undefined)[] = [];
  #inputUses: (Use | undefined)[] = [];
  #outputs: Value[] = [];
  /** What a walk over the graph leaves to know where it has been; of no meaning to any other. */
  mark = 0;
  /** Neighbours in the graph's order; kept by the graph. An erased node keeps `next`. */
  previous: Node | undefined;
  next: Node | undefined;
  #graph: Graph | undefined;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Notes of passes, not saved into the model. */
  get meta(): Map<string, unknown> {
    this.#meta ??= new Map();
    return this.#meta;
  }

  /** True when there are notes; asking costs nothing. */
  get hasMeta(): boolean {
    return this.#meta !== undefined && this.#meta.size > 0;
  }

  /** The graph that owns this node. @throws GRAPH_NODE_ERASED once it was erased. */
  get graph(): Graph {
    if (this.#graph !== undefined) return this.#graph;
    throw new BitwrightError({
      code: 'GRAPH_NODE_ERASED',
      message: 'A node was used after it had been erased from its graph.',
      hint: 'A rule or pass keeps a node beyond its life: look it up again after each edit.',
    });
  }

  get erased(): boolean {
    return this.#graph === undefined;
  }

  /** The values read, in operator order; undefined for an optional input that is left out. */
  get inputs(): readonly (Value | undefined)[] {
    return this.#inputs;
  }

  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  /** Lets input `index` read another value (undefined: leaves it out); inputs in between are left out. O(1). */
  setInput(index: number, value: Value | undefined): void {
    if (value !== undefined) this.#assertReadable(value);
    if (this.#inputs.length <= index) this.#resize(index + 1);
    recordEdit(NodeBase.#undo.input, this, index, this.#inputs[index]);
    this.#put(index, value);
  }

  #put(index: number, value: Value | undefined): void {
    const before = this.#inputs[index];
    const use = this.#inputUses[index];
    if (before !== undefined && use !== undefined) Value.internals.removeUse(before, use);
    this.#inputs[index] = value;
    if (value === undefined) {
      this.#inputUses[index] = undefined;
      return;
    }
    const made: Use = { node: this as unknown as Node, index };
    this.#inputUses[index] = made;
    Value.internals.addUse(value, made);
  }

  /** Drops the inputs from `count` on. */
  truncateInputs(count: number): void {
    for (let i = count; i < this.#inputs.length; i++)
      if (this.#inputs[i] !== undefined) this.setInput(i, undefined);
    if (this.#inputs.length > count) this.#resize(count);
  }

  #resize(count: number): void {
    recordEdit(NodeBase.#undo.length, this, this.#inputs.length, undefined);
    this.#setLength(count);
  }

  #setLength(count: number): void {
    while (this.#inputs.length < count) {
      this.#inputs.push(undefined);
      this.#inputUses.push(undefined);
    }
    this.#inputs.length = count;
    this.#inputUses.length = count;
  }

  #assertReadable(value: Value): void {
    if (value.producer.graph.encloses(this.graph)) return;
    throw new BitwrightError({
      code: 'GRAPH_FOREIGN_VALUE',
      message: `The value '${value.name}' belongs to a graph that is not around the node that would read it.`,
      hint: 'Clone or recreate the value in the graph of its reader.',
      at: { value: value.name },
    });
  }

  /** Takes edits back; what was legal before needs no check. */
  static readonly #undo = {
    input: (node: NodeBase, index: number, value: Value | undefined): void => node.#put(index, value),
    length: (node: NodeBase, count: number): void => node.#setLength(count),
  };

  /** For graphs and their verifier only. */
  static readonly internals = {
    addOutput: (node: NodeBase, value: Value): void => void node.#outputs.push(value),
    useAt: (node: NodeBase, index: number): Use | undefined => node.#inputUses[index],
    /** Gives a new node its inputs; the log needs no word of it, since the node goes as a whole. */
    fill: (node: NodeBase, inputs: readonly (Value | undefined)[]): void => {
      node.#setLength(inputs.length);
      for (let i = 0; i < inputs.length; i++) {
        const value = inputs[i];
        if (value === undefined) continue;
        node.#assertReadable(value);
        node.#put(i, value);
      }
    },
    /** Lets a node that leaves its graph read nothing any more, and stop belonging to it. */
    detach: (node: NodeBase): void => {
      for (let i = 0; i < node.#inputs.length; i++) node.#put(i, undefined);
      node.#setLength(0);
      node.#graph = undefined;
    },
    /** Takes that back. */
    attach: (node: NodeBase, graph: Graph, inputs: readonly (Value | undefined)[]): void => {
      node.#graph = graph;
      node.#setLength(inputs.length);
      for (let i = 0; i < inputs.length; i++) node.#put(i, inputs[i]);
    },
  };
}

/** An input of the graph. */
export class PlaceholderNode extends NodeBase {
  readonly kind = 'placeholder';

  get output(): Value {
    return this.outputs[0]!;
  }
}

/** An initializer: a tensor that is fixed in the model. */
export class GetAttrNode extends NodeBase {
  readonly kind = 'get_attr';

  constructor(
    graph: Graph,
    public tensor: Tensor,
  ) {
    super(graph);
  }

  get output(): Value {
    return this.outputs[0]!;
  }
}

/** An ONNX operator with its domain ('' is ai.onnx), type and attributes. */
export class OpNode extends NodeBase {
  readonly kind = 'op';
  #attributes = NO_ATTRIBUTES;
  #metadataProps: Map<string, string> | undefined;
  #bodies: readonly Graph[] = NO_BODIES;

  constructor(
    graph: Graph,
    public opType: string,
    public domain: string,
    /** The node's own name in the file; '' for an unnamed one. See {@link displayName}. */
    public name: string,
  ) {
    super(graph);
  }

  /** The one output of an operator with a single result. */
  get output(): Value {
    return this.outputs[0]!;
  }

  /** How the node is called in messages and selectors: its name, or that of its first output. */
  get displayName(): string {
    return this.name !== ''
      ? this.name
      : (this.outputs.find((value) => value.name !== '')?.name ?? this.opType);
  }

  /** Key-value pairs that are saved into the model with this node, beside those of the file that it was read from. */
  get metadataProps(): Map<string, string> {
    this.#metadataProps ??= new Map();
    return this.#metadataProps;
  }

  /** True when there are such pairs; asking costs nothing. */
  get hasMetadataProps(): boolean {
    return this.#metadataProps !== undefined && this.#metadataProps.size > 0;
  }

  get attributes(): Attributes {
    return this.#attributes;
  }

  /** Replaces all attributes; bodies that the new ones do not hold stop reading the values around them. */
  set attributes(attributes: Attributes) {
    const bodies = new Map<Graph, string>();
    for (const [name, attr] of attributes) for (const body of graphsOf(attr)) bodies.set(body, name);
    for (const body of bodies.keys()) body.assertAdoptable(this);
    const before = this.#bodies;
    recordEdit(OpNode.#undoAttributes, this, this.#attributes, before);
    this.#attributes = attributes;
    this.#bodies = bodies.size === 0 ? NO_BODIES : [...bodies.keys()];
    for (const [body, name] of bodies) body.adoptInto(this, name);
    for (const body of before) if (!bodies.has(body)) body.release();
  }

  /** The bodies of If, Loop, Scan and the like. */
  subgraphs(): readonly Graph[] {
    return this.#bodies;
  }

  static readonly #undoAttributes = (
    node: OpNode,
    attributes: Attributes,
    bodies: readonly Graph[],
  ): void => {
    node.#attributes = attributes;
    node.#bodies = bodies;
  };

  /** True for an operator of the standard domain with this type. */
  is(opType: string): boolean {
    return this.domain === '' && this.opType === opType;
  }
}

const NO_ATTRIBUTES = new Attributes();
const NO_BODIES: readonly Graph[] = [];

/** The end of the graph: its inputs are the graph's outputs. */
export class OutputNode extends NodeBase {
  readonly kind = 'output';
}

/** A node of one of the four kinds. */
export type Node = PlaceholderNode | GetAttrNode | OpNode | OutputNode;

/** How any node is called in messages. */
export function nodeName(node: Node): string {
  if (node.kind === 'op') return node.displayName;
  return node.kind === 'output' ? 'output' : node.output.name;
}

/** For graphs and their verifier only: edits and looks that keep lists in step. */
export const nodeInternals: {
  addOutput(node: Node, value: Value): void;
  /** The use that input `index` has entered in the list of the value it reads. */
  useAt(node: Node, index: number): Use | undefined;
  fill(node: Node, inputs: readonly (Value | undefined)[]): void;
  detach(node: Node): void;
  attach(node: Node, graph: Graph, inputs: readonly (Value | undefined)[]): void;
} = NodeBase.internals;
