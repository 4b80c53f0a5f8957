import { BitwrightError } from '@bitwright/core';
import { liftInto } from './find-cycle.js';
import type { Graph } from './graph.js';
import {
  type GetAttrNode,
  type Node,
  nodeName,
  type OpNode,
  type OutputNode,
  type PlaceholderNode,
} from './node.js';
import type { Value } from './value.js';

/** How an {@link Interpreter} goes about its work. */
export interface InterpreterOptions {
  /** True keeps what every value stood for until the next run; else it is dropped behind its last reader. */
  readonly keepValues?: boolean;
}

/**
 * Runs a graph node by node over any domain (tensors, shapes, ranges, costs): a subclass says what the kinds of nodes mean.
 *
 * `callOp` calls {@link runBody} for the bodies of If, Loop and the like, as often as the operator demands; they see the
 * values around them. The graph must not be edited during a run.
 */
export abstract class Interpreter<T extends NonNullable<unknown>> {
  readonly #env = new Map<Value, T>();
  readonly #args = new Map<Node, T>();
  readonly #lastReads = new Map<Graph, ReadonlyMap<Node, readonly Value[]>>();
  readonly #keepValues: boolean;

  constructor(options: InterpreterOptions = {}) {
    this.#keepValues = options.keepValues ?? false;
  }

  /**
   * Runs a main graph.
   *
   * @param inputs one for each placeholder, in order.
   * @returns one for each output of the graph.
   * @throws INTERPRETER_INPUTS when their number is wrong, INTERPRETER_VALUE_ABSENT when a node reads what was not made.
   */
  run(graph: Graph, inputs: readonly T[]): readonly T[] {
    this.#env.clear();
    this.#args.clear();
    this.#lastReads.clear();
    return this.runBody(graph, inputs);
  }

  /** Runs a body of the operator at hand. */
  protected runBody(graph: Graph, inputs: readonly T[]): readonly T[] {
    const { placeholders } = graph;
    if (placeholders.length !== inputs.length) {
      throw new BitwrightError({
        code: 'INTERPRETER_INPUTS',
        message: `The graph '${graph.name}' takes ${placeholders.length} inputs and was given ${inputs.length}.`,
        hint: `Its inputs, in order: ${placeholders.map(({ output }) => output.name).join(', ')}.`,
        at: { graph: graph.name },
      });
    }
    for (const [i, node] of placeholders.entries()) this.#args.set(node, inputs[i]!);
    const lastReads = this.#keepValues ? undefined : this.#lastReadsOf(graph);
    let results: readonly (T | undefined)[] = [];
    for (const node of graph.nodes()) {
      results = this.runNode(node);
      for (const [i, value] of node.outputs.entries()) {
        const result = results[i];
        if (result !== undefined) this.#env.set(value, result);
      }
      for (const value of lastReads?.get(node) ?? []) this.#env.delete(value);
    }
    return results as readonly T[];
  }

  /** Runs one node; the results are stored by the caller. Override it to look at, time, or replace what a node does. */
  runNode(node: Node): readonly (T | undefined)[] {
    switch (node.kind) {
      case 'placeholder':
        return [this.placeholder(node, this.#args.get(node)!)];
      case 'get_attr':
        return [this.getAttr(node)];
      case 'op':
        return this.callOp(node, this.#read(node));
      case 'output':
        return this.output(node, this.#read(node) as readonly T[]);
    }
  }

  /** What a value stands for at this moment; undefined before it is made and once it was dropped. */
  valueOf(value: Value): T | undefined {
    return this.#env.get(value);
  }

  /** What an input of the graph stands for: by default the argument of the run. */
  protected placeholder(_node: PlaceholderNode, input: T): T {
    return input;
  }

  /** What an initializer stands for. */
  protected abstract getAttr(node: GetAttrNode): T;

  /**
   * What an operator makes of its inputs (undefined: left out): one result per output, undefined for one that nobody reads.
   */
  protected abstract callOp(node: OpNode, inputs: readonly (T | undefined)[]): readonly (T | undefined)[];

  /** What the graph returns: by default its outputs as they are. */
  protected output(_node: OutputNode, values: readonly T[]): readonly T[] {
    return values;
  }

  #read(node: Node): readonly (T | undefined)[] {
    return node.inputs.map((value) => {
      if (value === undefined) return undefined;
      const known = this.#env.get(value);
      if (known !== undefined) return known;
      const producer = nodeName(value.producer);
      throw new BitwrightError({
        code: 'INTERPRETER_VALUE_ABSENT',
        message: `The node '${nodeName(node)}' reads '${value.name}', of which '${producer}' made nothing.`,
        hint: `Let the interpreter return a result for output ${value.index} of '${producer}'.`,
        at: { graph: node.graph.name, node: nodeName(node), value: value.name },
      });
    });
  }

  /** For each node the values of its graph that nobody reads behind it. */
  #lastReadsOf(graph: Graph): ReadonlyMap<Node, readonly Value[]> {
    const known = this.#lastReads.get(graph);
    if (known !== undefined) return known;
    const order = new Map<Node, number>();
    for (const node of graph.nodes()) order.set(node, order.size);
    const lists = new Map<Node, Value[]>();
    for (const node of order.keys()) {
      for (const value of node.outputs) {
        let last: Node = node;
        for (const use of value.uses) {
          const reader = liftInto(graph, use.node);
          if (reader !== undefined && order.get(reader)! > order.get(last)!) last = reader;
        }
        const list = lists.get(last);
        if (list === undefined) lists.set(last, [value]);
        else list.push(value);
      }
    }
    this.#lastReads.set(graph, lists);
    return lists;
  }
}
