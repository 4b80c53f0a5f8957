import { BitwrightError, didYouMean, type Tensor } from '@bitwright/core';
import {
  type Attribute,
  type AttributeInit,
  Attributes,
  attribute,
  type GetAttrNode,
  Graph,
  type Node,
  nodeName,
  type OpNode,
  type Value,
} from '@bitwright/graph';
import type { Match } from './matcher.js';
import { isFloatAttribute, opArities, opNameOf, splitOpName } from './op-schemas.js';
import { isMade, type Note, setProvenance } from './provenance.js';
import type { MadeOptions, OpBuilders, RewriteInput, Rewriter } from './rewriter.js';

interface Replacement {
  readonly node: OpNode;
  readonly values: readonly (Value | undefined)[];
}

/** A value that takes over the name of one that it replaces, and the description in the file where that is an output. */
interface Renaming {
  readonly value: Value;
  readonly old: Value;
  readonly name: string;
  readonly origin: unknown;
}

/** What an application of a rule touched: what may match something now. */
export interface Touched {
  readonly made: readonly OpNode[];
  /** Operators that read another value now. */
  readonly readers: readonly OpNode[];
  /** Values that have lost a reader. */
  readonly lost: ReadonlySet<Value>;
  /** The names of operators that no rule had made and that are gone. */
  readonly removed: readonly string[];
  readonly note: Note;
}

/** One application of a rule: collects what it makes and replaces, then commits all of it or nothing. */
export class RewriteSession implements Rewriter {
  #builders: OpBuilders | undefined;
  readonly #made: Node[] = [];
  readonly #unnamed: OpNode[] = [];
  readonly #replacements: Replacement[] = [];
  readonly #graph: Graph;
  /** Before this node stands what is made. */
  #place: Node;
  /** Initializers made, and the names that were asked for. */
  readonly #constants: GetAttrNode[] = [];
  readonly #wishes: string[] = [];

  constructor(
    private readonly rule: string,
    private readonly match: Match,
  ) {
    this.#graph = match.root.graph;
    this.#place = match.root;
  }

  get op(): OpBuilders {
    this.#builders ??= new Proxy({} as OpBuilders, {
      get:
        (_target, opName) => (inputs: readonly RewriteInput[], attributes?: object, options?: MadeOptions) =>
          this.#create(String(opName), inputs, attributes, options).outputs[0],
    });
    return this.#builders;
  }

  createOp(
    opName: string,
    inputs: readonly RewriteInput[],
    attributes?: object,
    options?: MadeOptions,
  ): OpNode {
    return this.#create(opName, inputs, attributes, options);
  }

  constant(name: string, tensor: Tensor): Value {
    // Named when all is replaced: most take over the name of an initializer that vanishes.
    const node = this.#graph.getAttr(undefined, tensor, this.#place);
    this.#note(node);
    this.#constants.push(node);
    this.#wishes.push(name);
    return node.output;
  }

  replace(node: OpNode, ...values: readonly RewriteInput[]): void {
    this.#replacements.push({ node, values: values.map(asValue) });
  }

  /** Makes the replacements. */
  commit(): Touched {
    for (const replacement of this.#replacements) this.#check(replacement);
    const note = setProvenance(this.#made, this.rule, this.match.nodes);
    const made = new Set(this.#made);
    const readers: OpNode[] = [];
    const lost = new Set<Value>();
    const names: Renaming[] = [];
    for (const { node, values } of this.#replacements) {
      for (const [i, old] of node.outputs.entries()) {
        const value = values[i];
        if (value === undefined) continue;
        if (made.has(value.producer) || old.isReturned)
          names.push({ value, old, name: old.name, origin: old.isReturned ? old.origin : undefined });
        if (value.type === undefined && old.type !== undefined) value.type = old.type;
        for (const use of old.uses) if (use.node.kind === 'op' && !made.has(use.node)) readers.push(use.node);
        old.replaceAllUsesWith(value, made);
      }
    }
    const vanished = this.#nodeNames();
    const given = this.match.nodes.filter((node) => !isMade(node)).map(nodeAndName);
    const freed = this.#erase(lost);
    this.#takeNames(names);
    for (const [i, node] of this.#constants.entries()) nameConstant(node, this.#wishes[i]!, freed);
    this.#nameNodes(vanished);
    const standing = (node: Node): node is OpNode => node.kind === 'op' && !node.erased;
    const removed = given.filter(([node]) => node.erased).map(([, name]) => name);
    return { made: this.#made.filter(standing), readers: readers.filter(standing), lost, removed, note };
  }

  /** Erases what was made. */
  rollBack(): void {
    for (const node of this.#made.reverse()) this.#graph.eraseNode(node);
  }

  #create(opName: string, inputs: readonly RewriteInput[], init?: object, options?: MadeOptions): OpNode {
    assertKnown(opName);
    const values = inputs.map(asValue);
    // What reads the root's own results can only stand behind it.
    if (values.some((value) => value?.producer === this.match.root)) this.#place = this.match.root.next!;
    const node = this.#graph.createOp({
      ...splitOpName(opName),
      name: options?.name ?? '',
      inputs: values,
      // Named when all is replaced: most take over a name.
      outputs: options?.outputs === undefined ? ONE_UNNAMED : new Array(options.outputs).fill(UNNAMED),
      attributes: init instanceof Attributes ? init : typedAttributes(opName, init ?? {}),
      before: this.#place,
    });
    this.#note(node);
    if (options?.name === undefined) this.#unnamed.push(node);
    return node;
  }

  #note(node: Node): void {
    this.#made.push(node);
    if (this.#made.length <= MOST_MADE) return;
    throw new BitwrightError({
      code: 'REWRITE_TOO_MANY_NODES',
      message: `The rule '${this.rule}' has made ${MOST_MADE} nodes for one match and goes on.`,
      hint: 'A loop of the rule does not end, or the match is far too large for one rewrite.',
      at: { node: nodeName(this.match.root) },
    });
  }

  #check({ node, values }: Replacement): void {
    for (const [i, old] of node.outputs.entries()) {
      const value = values[i];
      if (value === undefined && old.uses.size > 0) {
        throw new BitwrightError({
          code: 'REWRITE_INCOMPLETE',
          message: `The rule '${this.rule}' replaces '${nodeName(node)}' and gives nothing for its result '${old.name}', which is read.`,
          hint: 'Give a value for each result that is read, or reject the match.',
          at: { node: nodeName(node), value: old.name },
        });
      }
      if (value !== undefined && !canReplace(old, value)) {
        throw new BitwrightError({
          code: 'REWRITE_OUTPUT_NAME',
          message: `The rule '${this.rule}' would let the output '${old.name}' of the graph be '${value.name}', which cannot take that name.`,
          hint: 'Ask canReplace(old, value) in the condition of the rule, and reject the match.',
          at: { node: nodeName(node), value: old.name },
        });
      }
    }
  }

  /** Erases what nobody reads any more; returns the names of initializers that it leaves free. */
  #erase(lost: Set<Value>): readonly string[] {
    const freed: string[] = [];
    // Readers come before what they read, save where one operator is matched twice: hence the second look.
    for (let again = true; again; ) {
      again = false;
      for (const node of this.match.nodes) {
        if (node.erased || node.outputs.some(({ uses }) => uses.size > 0)) continue;
        const inputs = node.inputs.filter((value) => value !== undefined);
        node.graph.eraseNode(node);
        again = true;
        for (const value of inputs) {
          const { producer } = value;
          if (producer.kind !== 'get_attr') lost.add(value);
          else if (!producer.erased && value.uses.size === 0) {
            producer.graph.eraseNode(producer);
            freed.push(value.name);
          }
        }
      }
    }
    for (const value of lost) if (value.producer.erased) lost.delete(value);
    return freed;
  }

  #takeNames(names: readonly Renaming[]): void {
    for (const { value, old, name, origin } of names) {
      if (!old.producer.erased) old.producer.graph.rename(old, old.producer.graph.freshName(name));
      value.producer.graph.rename(value, name);
      value.origin = origin;
    }
    for (const node of this.#made) {
      if (node.kind !== 'op') continue;
      for (const value of node.outputs)
        if (value.name === '')
          node.graph.rename(value, node.graph.freshName(`${node.name || node.opType}_output`));
    }
  }

  #nodeNames(): { readonly node: OpNode; readonly opName: string; readonly name: string }[] {
    return this.match.nodes.map((node) => ({ node, opName: opNameOf(node), name: node.name }));
  }

  /** What replaces takes the name of a vanished operator of its type, else that of the one it replaces. */
  #nameNodes(
    matched: readonly { readonly node: OpNode; readonly opName: string; readonly name: string }[],
  ): void {
    if (this.#unnamed.length === 0) return;
    const free = matched.filter(({ node }) => node.erased);
    const taken = new Set<string>();
    for (const { node: old, values } of this.#replacements) {
      const maker = values.find((value) => value !== undefined)?.producer;
      if (maker?.kind !== 'op' || !this.#unnamed.includes(maker) || maker.name !== '') continue;
      const heir =
        free.find(({ opName, name }) => opName === opNameOf(maker) && !taken.has(name)) ??
        free.find(({ node, name }) => node === old && !taken.has(name));
      if (heir === undefined) continue;
      maker.name = heir.name;
      taken.add(heir.name);
    }
  }
}

const UNNAMED = { name: '' };
const ONE_UNNAMED = [UNNAMED];

/** More nodes than this nobody needs for one match. */
const MOST_MADE = 100_000;

/**
 * True when a value can stand for another one everywhere: always, unless the other is an output of the graph; then it must
 * be made by an operator of that graph and not be an output itself, so that it can take the name.
 */
export function canReplace(old: Value, value: Value): boolean {
  if (!isGraphOutput(old)) return true;
  return value.producer.kind === 'op' && value.producer.graph === old.producer.graph && !isGraphOutput(value);
}

/** True for a value that its graph returns. */
export function isGraphOutput(value: Value): boolean {
  return value.isReturned;
}

function asValue(input: RewriteInput): Value | undefined {
  return input === undefined || 'producer' in input ? input : input.outputs[0];
}

/** Where it can, a constant keeps the name that was asked for: that of one which vanished. */
function nameConstant(node: GetAttrNode, wanted: string, freed: readonly string[]): void {
  if (node.erased) return;
  const isFree = freed.includes(wanted) && node.graph.findValue(wanted) === undefined;
  node.graph.rename(node.output, isFree ? wanted : node.graph.freshName(wanted));
}

function nodeAndName(node: OpNode): readonly [OpNode, string] {
  return [node, nodeName(node)];
}

function assertKnown(opName: string): void {
  if (opName.includes('.') || opArities().has(opName)) return;
  throw new BitwrightError({
    code: 'REWRITE_OPERATOR_UNKNOWN',
    message: `There is no operator '${opName}'.`,
    hint: didYouMean(opName, opArities().keys()),
  });
}

function typedAttributes(opName: string, init: object): Attributes {
  const entries = Object.entries(init).filter(([, value]) => value !== undefined);
  return new Attributes(
    entries.map(([name, value]): [string, Attribute] => {
      if (value instanceof Graph) return [name, { type: 'graph', value }];
      if (isFloatAttribute(opName, name)) {
        if (typeof value === 'number') return [name, { type: 'float', value }];
        if (Array.isArray(value)) return [name, { type: 'floats', value: value as number[] }];
      }
      return [name, attribute(value as AttributeInit)];
    }),
  );
}
