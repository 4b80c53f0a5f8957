import { BitwrightError, type Tensor } from '@bitwright/core';
import { type AttributeInit, Attributes } from './attribute.js';
import { recordEdit } from './edit-log.js';
import { NamePool } from './name-pool.js';
import {
  GetAttrNode,
  type Node,
  nodeInternals,
  nodeName,
  OpNode,
  type OutputInit,
  OutputNode,
  PlaceholderNode,
} from './node.js';
import { Value, type ValueType } from './value.js';

/** What an operator node is made of. */
export interface OpInit {
  readonly opType: string;
  readonly domain?: string;
  /** The node's name; '' or absent leaves it unnamed. */
  readonly name?: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes?: Attributes | Readonly<Record<string, AttributeInit | undefined>>;
  /** Names or types of the results, or their number; one fresh result by default. */
  readonly outputs?: number | readonly OutputInit[];
  /** Where it goes: before this node; before the graph's output by default. */
  readonly before?: Node;
}

/** An ordered list of nodes with one output node at its end; the order is topological by construction. All edits are O(1) in the graph's size. */
export class Graph {
  name = '';
  docString: string | undefined;
  /** The protobuf message that the graph was read from. */
  origin: unknown;
  readonly outputNode: OutputNode;
  #first: Node;
  #count = 1;
  #parent: { readonly node: OpNode; readonly attribute: string } | undefined;
  #released = false;
  readonly #values = new Map<string, Value>();
  readonly #placeholders = new Set<PlaceholderNode>();
  #lastPlaceholder: PlaceholderNode | undefined;
  readonly #names = new NamePool();

  constructor(name = '') {
    this.name = name;
    this.outputNode = new OutputNode(this);
    this.#first = this.outputNode;
  }

  /** The If/Loop/Scan node and attribute that hold this graph; undefined for the main graph. */
  get parent(): { readonly node: OpNode; readonly attribute: string } | undefined {
    return this.#parent;
  }

  /** The outermost graph. */
  get root(): Graph {
    let graph: Graph = this;
    while (graph.#parent !== undefined) graph = graph.#parent.node.graph;
    return graph;
  }

  /** The node at the beginning; each points to the next one. */
  get first(): Node {
    return this.#first;
  }

  get nodeCount(): number {
    return this.#count;
  }

  get placeholders(): readonly PlaceholderNode[] {
    return [...this.#placeholders];
  }

  /** The graph's inputs, in order. */
  get inputs(): readonly Value[] {
    return this.placeholders.map((node) => node.output);
  }

  /** The graph's outputs, in order. */
  get outputs(): readonly Value[] {
    return this.outputNode.inputs as readonly Value[];
  }

  /** Declares what the graph returns. */
  setOutputs(values: readonly Value[]): void {
    this.outputNode.truncateInputs(0);
    for (const [i, value] of values.entries()) this.outputNode.setInput(i, value);
  }

  /** The nodes in order. Any node may be erased while walking; one that is inserted behind the walk's place is met too. */
  *nodes(): IterableIterator<Node> {
    let node: Node | undefined = this.#first;
    while (node !== undefined) {
      yield node;
      node = node.next;
      while (node?.erased) node = node.next;
    }
  }

  /** The operator nodes in order. */
  *ops(): IterableIterator<OpNode> {
    for (const node of this.nodes()) if (node.kind === 'op') yield node;
  }

  /** The operator nodes of this graph and of every body inside it, outer before inner. */
  *allOps(): IterableIterator<OpNode> {
    const stack: Graph[] = [this];
    for (let graph = stack.pop(); graph !== undefined; graph = stack.pop()) {
      for (const node of graph.ops()) {
        yield node;
        if (!node.erased) stack.push(...node.subgraphs());
      }
    }
  }

  /** The value of a name in this graph (not in enclosing ones). */
  findValue(name: string): Value | undefined {
    return this.#values.get(name);
  }

  /** True when this graph is the other one or holds it in a body, at any depth. */
  encloses(other: Graph): boolean {
    for (let graph: Graph | undefined = other; graph !== undefined; graph = graph.#parent?.node.graph) {
      if (graph === this) return true;
    }
    return false;
  }

  /** Adds an input behind the others, under exactly this name. */
  placeholder(name: string, type?: ValueType): PlaceholderNode {
    const node = new PlaceholderNode(this);
    this.#add(node, this.#lastPlaceholder?.erased === false ? this.#lastPlaceholder.next! : this.#first);
    recordEdit(Graph.#undo.placeholder, this, node, this.#lastPlaceholder);
    this.#placeholders.add(node);
    this.#lastPlaceholder = node;
    this.#addOutput(node, 0, { name, ...(type && { type }) });
    return node;
  }

  /** Adds an initializer; `name` is made unique in the whole model ({@link rename} gives it an exact one). Undefined leaves it unnamed, to be renamed. */
  getAttr(name: string | undefined, tensor: Tensor, before: Node = this.outputNode): GetAttrNode {
    const node = new GetAttrNode(this, tensor);
    this.#add(node, before);
    const type: ValueType = { kind: 'tensor', dtype: tensor.dtype, shape: tensor.dims };
    this.#addOutput(node, 0, { name: name === undefined ? '' : this.freshName(name), type });
    return node;
  }

  /** Adds an operator. @throws GRAPH_FOREIGN_VALUE, GRAPH_BODY_SHARED, and then leaves the graph as it was. */
  createOp(init: OpInit): OpNode {
    const before = init.before ?? this.outputNode;
    this.#assertOwn(before);
    const node = new OpNode(this, init.opType, init.domain ?? '', init.name ?? '');
    const { attributes } = init;
    try {
      nodeInternals.fill(node, init.inputs);
      if (attributes !== undefined)
        node.attributes = attributes instanceof Attributes ? attributes : Attributes.from(attributes);
    } catch (thrown) {
      nodeInternals.detach(node);
      throw thrown;
    }
    this.#add(node, before);
    const outputs =
      typeof init.outputs === 'object' ? init.outputs : Array.from({ length: init.outputs ?? 1 }, () => ({}));
    for (const [i, output] of outputs.entries()) this.#addOutput(node, i, output);
    return node;
  }

  /** Moves a node of this graph so that it stands right before another. */
  insertBefore(anchor: Node, node: Node): void {
    this.#assertOwn(anchor);
    this.#assertOwn(node);
    if (node === anchor || node.next === anchor) return;
    this.#unlink(node);
    this.#link(node, anchor);
  }

  /** Removes a node. @throws GRAPH_NODE_IN_USE while any of its results is read. */
  eraseNode(node: Node): void {
    this.#assertOwn(node);
    for (const value of node.outputs) if (value.uses.size > 0) throw inUse(node, value);
    if (node.kind === 'output') throw inUse(node);
    if (node.kind === 'op') for (const body of node.subgraphs()) body.release();
    const { next } = node;
    if (node.kind === 'placeholder') this.#forgetPlaceholder(node);
    recordEdit(Graph.#undo.erased, this, node, node.inputs.slice());
    for (const value of node.outputs)
      if (this.#values.get(value.name) === value) this.#values.delete(value.name);
    this.#remove(node);
    // An erased node still points ahead, so that a walk that stands on it finds its way.
    node.next = next;
    nodeInternals.detach(node);
  }

  #forgetPlaceholder(node: PlaceholderNode): void {
    recordEdit(Graph.#undo.placeholders, this, this.placeholders, undefined);
    this.#placeholders.delete(node);
    if (this.#lastPlaceholder === node) this.#lastPlaceholder = this.placeholders.at(-1);
  }

  /** Removes every operator and initializer whose results nobody reads, bodies included; returns how many. Operators without results stay. */
  eliminateDeadCode(): number {
    let removed = 0;
    let node: Node | undefined = this.outputNode.previous;
    while (node !== undefined) {
      const { previous }: Node = node;
      const removable = node.kind === 'op' || node.kind === 'get_attr';
      if (removable && node.outputs.length > 0 && node.outputs.every((value) => value.uses.size === 0)) {
        this.eraseNode(node);
        removed++;
      } else if (node.kind === 'op') {
        for (const body of node.subgraphs()) removed += body.eliminateDeadCode();
      }
      node = previous;
    }
    return removed;
  }

  /** Gives a value of this graph another name, exactly this one; two values of one name are for the caller to avoid and for lint to find. */
  rename(value: Value, name: string): void {
    this.#assertOwn(value.producer);
    if (value.name === name) return;
    if (this.#values.get(value.name) === value) this.#setFound(value.name, undefined);
    Value.internals.rename(value, name);
    if (name === '') return;
    this.#setFound(name, value);
    this.root.#names.add(name);
  }

  /** A value name like `base` ('value' when that is empty) that no graph of the model uses yet. */
  freshName(wanted: string): string {
    return this.root.#names.fresh(wanted);
  }

  /**
   * Makes this graph a body of an operator, so that it may read the values around it; setting the operator's attributes
   * does it too.
   *
   * @throws GRAPH_BODY_SHARED when another node owns it, GRAPH_BODY_ERASED when it went with its former node.
   */
  adoptInto(node: OpNode, attribute: string): void {
    this.assertAdoptable(node);
    if (this.#parent?.node === node) {
      recordEdit(Graph.#undo.owner, this, this.#parent, this.#released);
      this.#parent = { node, attribute };
      return;
    }
    recordEdit(Graph.#undo.owner, this, this.#parent, this.#released);
    this.#parent = { node, attribute };
    this.root.#names.addAll(this.#names);
  }

  /** For operator nodes only: throws what {@link adoptInto} would, and changes nothing. */
  assertAdoptable(node: OpNode): void {
    if (!this.#released && (this.#parent === undefined || this.#parent.node === node)) return;
    throw new BitwrightError({
      code: this.#released ? 'GRAPH_BODY_ERASED' : 'GRAPH_BODY_SHARED',
      message: this.#released
        ? `The body '${this.name}' was erased together with the node that owned it, and reads nothing any more.`
        : `The body '${this.name}' already belongs to the node '${this.#parent?.node.displayName}'.`,
      hint: 'Clone the body before its node is erased: each node owns its own.',
      at: { graph: this.name, node: node.displayName },
    });
  }

  /** For operator nodes only: the owner drops this body, which so stops reading the values around it, for good. */
  release(): void {
    recordEdit(Graph.#undo.owner, this, this.#parent, this.#released);
    this.#released = true;
    for (const node of this.nodes()) {
      if (node.kind === 'op') for (const body of node.subgraphs()) body.release();
      node.truncateInputs(0);
    }
  }

  #addOutput(node: Node, index: number, init: OutputInit): void {
    const name =
      init.name ?? this.freshName(node.kind === 'op' ? `${node.name || node.opType}_output` : 'value');
    const value = new Value(node, index, name, init.type);
    nodeInternals.addOutput(node, value);
    if (name === '') return;
    if (this.#values.has(name)) recordEdit(Graph.#undo.found, this, name, this.#values.get(name));
    this.#values.set(name, value);
    this.root.#names.add(name);
  }

  /** Lets a name lead to a value, or to none. */
  #setFound(name: string, value: Value | undefined): void {
    recordEdit(Graph.#undo.found, this, name, this.#values.get(name));
    if (value === undefined) this.#values.delete(name);
    else this.#values.set(name, value);
  }

  #assertOwn(node: Node): void {
    if (node.graph === this) return;
    throw new BitwrightError({
      code: 'GRAPH_FOREIGN_NODE',
      message: `The node '${nodeName(node)}' belongs to another graph.`,
      hint: 'Edit a node through the graph that owns it (node.graph).',
      at: { graph: this.name, node: nodeName(node) },
    });
  }

  /** Puts a new node into its place. */
  #add(node: Node, before: Node): void {
    this.#assertOwn(before);
    recordEdit(Graph.#undo.added, this, node, undefined);
    this.#insert(node, before);
  }

  #link(node: Node, before: Node): void {
    recordEdit(Graph.#undo.linked, this, node, undefined);
    this.#insert(node, before);
  }

  #unlink(node: Node): void {
    recordEdit(Graph.#undo.unlinked, this, node, node.next!);
    this.#remove(node);
  }

  #insert(node: Node, before: Node): void {
    node.previous = before.previous;
    node.next = before;
    if (before.previous === undefined) this.#first = node;
    else before.previous.next = node;
    before.previous = node;
    this.#count++;
  }

  #remove(node: Node): void {
    if (node.previous === undefined) this.#first = node.next!;
    else node.previous.next = node.next;
    if (node.next !== undefined) node.next.previous = node.previous;
    node.previous = undefined;
    node.next = undefined;
    this.#count--;
  }

  /** Takes edits back; what was legal before needs no check. */
  static readonly #undo = {
    unlinked: (graph: Graph, node: Node, before: Node): void => graph.#insert(node, before),
    linked: (graph: Graph, node: Node): void => graph.#remove(node),
    added: (graph: Graph, node: Node): void => {
      for (const value of node.outputs)
        if (graph.#values.get(value.name) === value) graph.#values.delete(value.name);
      graph.#remove(node);
      nodeInternals.detach(node);
    },
    erased: (graph: Graph, node: Node, inputs: readonly (Value | undefined)[]): void => {
      nodeInternals.attach(node, graph, inputs);
      graph.#insert(node, node.next!);
      for (const value of node.outputs)
        if (value.name !== '' && !graph.#values.has(value.name)) graph.#values.set(value.name, value);
    },
    found: (graph: Graph, name: string, value: Value | undefined): void => {
      if (value === undefined) graph.#values.delete(name);
      else graph.#values.set(name, value);
    },
    placeholder: (graph: Graph, node: PlaceholderNode, last: PlaceholderNode | undefined): void => {
      graph.#placeholders.delete(node);
      graph.#lastPlaceholder = last;
    },
    placeholders: (graph: Graph, nodes: readonly PlaceholderNode[]): void => {
      graph.#placeholders.clear();
      for (const node of nodes) graph.#placeholders.add(node);
      graph.#lastPlaceholder = nodes.at(-1);
    },
    owner: (graph: Graph, parent: Graph['parent'], released: boolean): void => {
      graph.#parent = parent;
      graph.#released = released;
    },
  };
}

function inUse(node: Node, used?: Value): BitwrightError {
  return new BitwrightError({
    code: 'GRAPH_NODE_IN_USE',
    message: `The node '${nodeName(node)}' cannot be erased: ${used ? `'${used.name}' is still read` : 'it is the end of the graph'}.`,
    hint: 'Replace all uses of its results first.',
    at: { node: nodeName(node), ...(used && { value: used.name }) },
  });
}
