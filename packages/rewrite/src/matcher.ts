import { type GetAttrNode, nodeName, type OpNode, type Value } from '@bitwright/graph';
import type { MatchTrace } from './match-trace.js';
import { isCommutative, opNameOf } from './op-schemas.js';
import {
  type AnyOfData,
  type ConstantData,
  captureNames,
  describePattern,
  type Guard,
  type OpData,
  type PatternData,
  type VariadicData,
} from './pattern-data.js';

/** What a name captures. */
export type Captured = Value | OpNode | GetAttrNode | undefined | readonly Captured[];

/** A pattern found in a graph. */
export interface Match {
  readonly root: OpNode;
  /** By name, in the order in which the pattern binds them; names below an absent optional are undefined. */
  readonly captures: ReadonlyMap<string, Captured>;
  /** The operators matched, the root first. */
  readonly nodes: readonly OpNode[];
}

/** The rest of a match: true when it succeeds. */
type Rest = () => boolean;

/**
 * Looks for a pattern that ends at an operator.
 *
 * Inner operators have no reader outside the match (being an output of the graph is one) unless they are `shared`, and stand
 * in the root's graph unless they are `crossing`. All alternatives and both orders of commuting inputs are tried.
 *
 * @param trace collects why it failed; without it nothing is spent on reasons.
 */
export function matchPattern(pattern: PatternData, root: OpNode, trace?: MatchTrace): Match | undefined {
  return new Matcher(root, trace).run(pattern);
}

class Matcher {
  readonly #captures = new Map<string, Captured>();
  readonly #nodes: OpNode[] = [];
  readonly #inner: { node: OpNode; data: OpData; reader: OpNode }[] = [];

  constructor(
    private readonly root: OpNode,
    private readonly trace: MatchTrace | undefined,
  ) {}

  run(pattern: PatternData): Match | undefined {
    if (!this.#root(pattern, () => this.#unused())) return undefined;
    for (const name of captureNames(pattern))
      if (!this.#captures.has(name)) this.#captures.set(name, undefined);
    return { root: this.root, captures: this.#captures, nodes: [...this.#nodes] };
  }

  #root(pattern: PatternData, rest: Rest): boolean {
    if (pattern.kind === 'anyOf')
      return pattern.options.some((option) =>
        this.#bound(pattern.capture, this.root.outputs[0], () => this.#root(option, rest)),
      );
    return (
      pattern.kind === 'op' &&
      this.#op(pattern, this.root, this.root.outputs[pattern.output ?? 0], this.root, rest)
    );
  }

  /** Matches input `index` of a reader; `value` is undefined when it is left out. */
  #value(data: PatternData, value: Value | undefined, reader: OpNode, rest: Rest): boolean {
    if (data.kind === 'optional') {
      if (value !== undefined) return this.#value(data.inner, value, reader, rest);
      return this.#names(data, rest);
    }
    if (data.kind === 'absent')
      return value === undefined
        ? this.#step(rest)
        : this.#fail(reader, value, 'no input here', describeMaker(value));
    if (value === undefined)
      return this.#fail(reader, undefined, describePattern(data), 'an input that is left out');
    switch (data.kind) {
      case 'any':
        return this.#guards(data.valueGuards, value, reader, value) && this.#bound(data.capture, value, rest);
      case 'constant':
        return this.#constant(data, value, reader, rest);
      case 'same':
        return this.#captures.get(data.of) === value
          ? this.#step(rest)
          : this.#fail(reader, value, `the value captured as '${data.of}'`, value.name);
      case 'anyOf':
        return this.#anyOf(data, value, reader, rest);
      case 'op':
        return this.#inner_(data, value, reader, rest);
      case 'variadic':
        return this.#variadic(data, [value], reader, rest);
    }
  }

  #constant(data: ConstantData, value: Value, reader: OpNode, rest: Rest): boolean {
    const { producer } = value;
    if (producer.kind !== 'get_attr') return this.#fail(reader, value, 'a constant', describeMaker(value));
    if (!this.#guards(data.valueGuards, value, reader, value)) return false;
    if (!this.#guards(data.nodeGuards, producer, reader, value)) return false;
    return this.#bound(data.capture, producer, rest);
  }

  #anyOf(data: AnyOfData, value: Value, reader: OpNode, rest: Rest): boolean {
    if (!this.#guards(data.valueGuards, value, reader, value)) return false;
    return data.options.some((option) =>
      this.#bound(data.capture, value, () => this.#value(option, value, reader, rest)),
    );
  }

  #inner_(data: OpData, value: Value, reader: OpNode, rest: Rest): boolean {
    const { producer } = value;
    if (producer.kind !== 'op' || opNameOf(producer) !== data.opName)
      return this.#fail(reader, value, data.opName, describeMaker(value));
    if (!data.crossing && producer.graph !== reader.graph)
      return this.#fail(reader, value, `${data.opName} in the same graph`, 'one in a graph around it');
    if (value.index !== (data.output ?? 0))
      return this.#fail(
        reader,
        value,
        `result ${data.output ?? 0} of ${data.opName}`,
        `result ${value.index}`,
      );
    this.#inner.push({ node: producer, data, reader });
    if (this.#op(data, producer, value, reader, rest)) return true;
    this.#inner.pop();
    return false;
  }

  #op(data: OpData, node: OpNode, value: Value | undefined, reader: OpNode, rest: Rest): boolean {
    if (opNameOf(node) !== data.opName) return this.#fail(node, undefined, data.opName, opNameOf(node));
    if (!this.#guards(data.nodeGuards, node, node, value)) return false;
    if (
      data.valueGuards.length > 0 &&
      (value === undefined || !this.#guards(data.valueGuards, value, reader, value))
    )
      return false;
    this.#nodes.push(node);
    const matched = this.#bound(data.capture, node, () => this.#inputs(data, node, rest));
    if (!matched) this.#nodes.pop();
    return matched;
  }

  #inputs(data: OpData, node: OpNode, rest: Rest): boolean {
    const { inputs } = node;
    if (this.#input(data.inputs, inputs, 0, node, rest)) return true;
    if (!isCommutative(data.opName) || data.inputs.length === 0 || inputs.length < 2) return false;
    const [first, second, ...others] = inputs;
    return this.#input(data.inputs, [second, first, ...others], 0, node, rest);
  }

  #input(
    patterns: readonly PatternData[],
    inputs: readonly (Value | undefined)[],
    index: number,
    node: OpNode,
    rest: Rest,
  ): boolean {
    const pattern = patterns[index];
    if (pattern === undefined) return rest();
    const next = () => this.#input(patterns, inputs, index + 1, node, rest);
    return pattern.kind === 'variadic'
      ? this.#variadic(pattern, inputs.slice(index), node, next)
      : this.#value(pattern, inputs[index], node, next);
  }

  /** Each input is matched on its own (committed once it matches); its captures are appended to lists. */
  #variadic(data: VariadicData, values: readonly (Value | undefined)[], reader: OpNode, rest: Rest): boolean {
    if (values.length < data.atLeast)
      return this.#fail(reader, undefined, `at least ${data.atLeast} inputs`, `${values.length}`);
    const names = [...captureNames(data.inner)];
    const lists = new Map<string, Captured[]>(names.map((name) => [name, []]));
    const each = (index: number): boolean => {
      if (index === values.length) return this.#boundAll(lists, rest);
      return this.#value(data.inner, values[index], reader, () => {
        const taken = names.map((name) => this.#captures.get(name));
        for (const [i, name] of names.entries()) {
          lists.get(name)!.push(taken[i]);
          this.#captures.delete(name);
        }
        if (each(index + 1)) return true;
        for (const [i, name] of names.entries()) {
          lists.get(name)!.pop();
          this.#captures.set(name, taken[i]);
        }
        return false;
      });
    };
    return each(0);
  }

  #boundAll(lists: ReadonlyMap<string, readonly Captured[]>, rest: Rest): boolean {
    for (const [name, list] of lists) this.#captures.set(name, list);
    if (rest()) return true;
    for (const name of lists.keys()) this.#captures.delete(name);
    return false;
  }

  /** Goes on with every name below an absent optional bound to undefined. */
  #names(data: PatternData, rest: Rest): boolean {
    const names = captureNames(data);
    for (const name of names) this.#captures.set(name, undefined);
    if (this.#step(rest)) return true;
    for (const name of names) this.#captures.delete(name);
    return false;
  }

  #bound(name: string | undefined, captured: Captured, rest: Rest): boolean {
    if (name === undefined) return this.#step(rest);
    this.#captures.set(name, captured);
    if (this.#step(rest)) return true;
    this.#captures.delete(name);
    return false;
  }

  #step(rest: Rest): boolean {
    if (this.trace === undefined) return rest();
    const position = this.trace.position;
    this.trace.position = position + 1;
    if (rest()) return true;
    this.trace.position = position;
    return false;
  }

  #guards<S>(guards: readonly Guard<S>[], subject: S, node: OpNode, value: Value | undefined): boolean {
    for (const { needed, check } of guards) {
      const found = check(subject);
      if (found !== true) return this.#fail(node, value, needed, found);
    }
    return true;
  }

  /** The last condition: the results of inner operators are read inside the match only. */
  #unused(): boolean {
    for (const { node, data, reader } of this.#inner) {
      if (data.shared) continue;
      for (const value of node.outputs) {
        for (const use of value.uses) {
          if (use.node.kind === 'op' && this.#nodes.includes(use.node)) continue;
          return this.#fail(reader, value, `no other reader of '${value.name}'`, describeReader(use.node));
        }
      }
    }
    return true;
  }

  #fail(node: OpNode, value: Value | undefined, needed: string, found: string): false {
    this.trace?.fail(node, value, needed, found);
    return false;
  }
}

function describeMaker({ name, producer }: Value): string {
  switch (producer.kind) {
    case 'op':
      return opNameOf(producer);
    case 'get_attr':
      return `the constant '${name}'`;
    default:
      return `the input '${name}' of the graph`;
  }
}

function describeReader(node: Parameters<typeof nodeName>[0]): string {
  if (node.kind === 'output') return 'it is an output of the graph';
  return node.kind === 'op'
    ? `${opNameOf(node)} '${nodeName(node)}' reads it`
    : `'${nodeName(node)}' reads it`;
}
