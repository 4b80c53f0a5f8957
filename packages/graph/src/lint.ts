import { BitwrightError } from '@bitwright/core';
import { graphsOf } from './attribute.js';
import { describeCycle, findCycle } from './find-cycle.js';
import type { Graph } from './graph.js';
import type { GraphModule } from './graph-module.js';
import { type Node, nodeInternals, nodeName, type OpNode } from './node.js';
import type { Use, Value } from './value.js';

/**
 * Verifies a model: order (every value is made before it is read, in this graph or one around it), use lists on both
 * ends, names (unique in a graph, found by name, not hidden from a reader in a body), links between neighbours,
 * ownership of bodies. It checks and never mends. O(nodes + uses).
 *
 * @param after the pass that ran before, named in the error.
 * @throws GRAPH_INVALID naming graph, node and value.
 */
export function lint(module: GraphModule, after?: string): void {
  new Linter(module.graph, after).run();
}

class Linter {
  /** The values that a reader may see at this point of the walk. */
  readonly #visible = new Set<Value>();
  #reads = 0;
  #uses = 0;

  constructor(
    readonly root: Graph,
    readonly after: string | undefined,
  ) {}

  run(): void {
    if (this.root.parent !== undefined)
      this.#fail(this.root.outputNode, 'the main graph is the body of a node');
    this.#graph(this.root);
    // Every read was found in a use list, so that a difference is a use by a node outside of the model.
    if (this.#uses !== this.#reads) this.#failAtStrayUse();
  }

  #graph(graph: Graph): void {
    const made: Value[] = [];
    const placeholders = new Set<Node>();
    let count = 0;
    let previous: Node | undefined;
    for (const node of graph.nodes()) {
      this.#place(node, graph, previous);
      this.#inputs(node);
      if (node.kind === 'op') this.#bodies(node);
      else if (node.kind === 'placeholder') placeholders.add(node);
      for (const value of node.outputs) {
        this.#output(node, value);
        if (graph !== this.root) made.push(value);
      }
      previous = node;
      count++;
    }
    const { outputNode } = graph;
    if (previous !== outputNode) this.#fail(outputNode, 'the graph does not end with its output node');
    this.#placeholders(graph, placeholders);
    if (count !== graph.nodeCount) this.#fail(outputNode, 'the node count is off');
    for (const value of made) this.#visible.delete(value);
  }

  #place(node: Node, graph: Graph, previous: Node | undefined): void {
    if (node.erased) this.#fail(node, 'it was erased and still stands in the list', graph);
    if (node.graph !== graph) this.#fail(node, 'it belongs to another graph');
    if (node.previous !== previous) this.#fail(node, 'its link to the node before it is wrong');
  }

  #inputs(node: Node): void {
    const { inputs } = node;
    for (let index = 0; index < inputs.length; index++) {
      const value = inputs[index];
      if (value === undefined) {
        if (node.kind === 'output') this.#fail(node, `the graph's output ${index} is left out`);
        continue;
      }
      this.#reads++;
      if (!this.#visible.has(value)) this.#failOrder(node, value);
      const use = nodeInternals.useAt(node, index);
      if (use?.node !== node || use.index !== index || !value.uses.has(use))
        this.#fail(node, `the use list of '${value.name}' misses it`, undefined, value);
      if (value.name === '') this.#fail(node, `its input ${index} has no name`, undefined, value);
      this.#shadow(node, value);
    }
  }

  /** In a file values are found by name: one that a nearer value of the same name hides would be mistaken for it. */
  #shadow(node: Node, value: Value): void {
    const home = value.producer.graph;
    for (let graph = node.graph; graph !== home; graph = graph.parent!.node.graph) {
      if (graph.findValue(value.name) !== undefined)
        this.#fail(
          node,
          `a value of its body hides the name '${value.name}', which it reads`,
          undefined,
          value,
        );
    }
  }

  #output(node: Node, value: Value): void {
    const { name } = value;
    if (value.producer !== node)
      this.#fail(node, `its result '${name}' names another producer`, undefined, value);
    const found = name === '' ? value : node.graph.findValue(name);
    if (found !== value) {
      const why = found?.name === name ? 'is a name of two values' : 'is not found by its name';
      this.#fail(node, `its result '${name}' ${why}`, undefined, value);
    }
    this.#visible.add(value);
    for (const use of value.uses) {
      this.#uses++;
      if (isStale(use, value))
        this.#fail(node, `the use list of '${name}' has an entry that is stale`, undefined, value);
    }
  }

  #bodies(node: OpNode): void {
    for (const [name, attr] of node.attributes) {
      for (const body of graphsOf(attr)) {
        if (body.parent?.node !== node || body.parent.attribute !== name)
          this.#fail(node, `the body in '${name}' belongs to another place`);
        this.#graph(body);
      }
    }
  }

  #placeholders(graph: Graph, met: Set<Node>): void {
    for (const node of graph.placeholders) {
      if (!met.delete(node))
        this.#fail(graph.outputNode, `the input '${nodeName(node)}' stands nowhere in the list`);
    }
    for (const node of met) this.#fail(node, 'it is not listed as an input');
  }

  #failOrder(node: Node, value: Value): never {
    if (value.producer.erased)
      this.#fail(node, `it reads '${value.name}', whose node was erased`, undefined, value);
    const cycle = findCycle(this.root);
    const why = cycle === undefined ? '' : ` (the nodes ${describeCycle(cycle)} wait for each other)`;
    this.#fail(node, `it reads '${value.name}' before that is made${why}`, undefined, value);
  }

  #failAtStrayUse(): never {
    const inside = new Set<Node>();
    const graphs: Graph[] = [this.root];
    for (let graph = graphs.pop(); graph !== undefined; graph = graphs.pop()) {
      for (const node of graph.nodes()) {
        inside.add(node);
        if (node.kind === 'op') graphs.push(...node.subgraphs());
      }
    }
    for (const node of inside) {
      for (const value of node.outputs) {
        for (const use of value.uses) {
          if (inside.has(use.node)) continue;
          const reader = nodeName(use.node);
          this.#fail(
            node,
            `its result '${value.name}' is read by '${reader}', which stands outside of the model`,
            undefined,
            value,
          );
        }
      }
    }
    this.#fail(this.root.outputNode, 'the use lists do not add up');
  }

  #fail(node: Node, why: string, graph?: Graph, value?: Value): never {
    const subject = this.after === undefined ? 'The graph is' : `After '${this.after}' the graph is`;
    const home = node.erased ? graph : node.graph;
    throw new BitwrightError({
      code: 'GRAPH_INVALID',
      message: `${subject} not valid at node '${nodeName(node)}': ${why}.`,
      hint: 'This is a defect of the pass or rule that ran last, or of the model file.',
      at: { graph: home?.name ?? '', node: nodeName(node), ...(value && { value: value.name }) },
    });
  }
}

function isStale(use: Use, value: Value): boolean {
  const { node, index } = use;
  return node.erased || node.inputs[index] !== value || nodeInternals.useAt(node, index) !== use;
}
