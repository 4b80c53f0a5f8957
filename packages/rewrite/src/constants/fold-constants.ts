import { int64Tensor, type Tensor } from '@bitwright/core';
import { constantTensor, type Dim, type GraphModule, type OpNode, type Value } from '@bitwright/graph';
import { isGraphOutput } from '../rewrite-session.js';
import { constantNodeTensor, relaidTensor } from './constant-tensors.js';
import { Knowledge, opsInOrder } from './knowledge.js';
import { tensorOfKnown } from './known-value.js';
import { reshapedDims } from './shape-rules.js';

/** Evaluates operators whose inputs are all constant and that have no kernel here; a runtime can be one. */
export interface ConstantEvaluator {
  /** The results of an operator, in order; undefined when it cannot be evaluated. */
  evaluate(node: OpNode, inputs: readonly (Tensor | undefined)[]): Promise<readonly Tensor[] | undefined>;
}

/** How constants are folded. */
export interface FoldConstantsOptions {
  /** The most elements of a result that is computed here (layout changes of larger constants cost nothing and are always folded). */
  readonly maxElements?: number;
}

/** What was folded. */
export interface FoldReport {
  /** Operators that became initializers. */
  readonly folded: number;
  /** Operators that became unused thereby, and went. */
  readonly erased: number;
  /** Operators that have only constant inputs and stay, and why. */
  readonly left: readonly { readonly node: string; readonly opType: string; readonly reason: string }[];
}

/**
 * Turns what is known at compile time into initializers: Constant nodes, and the shape arithmetic that exporters leave
 * (Shape of known sizes even where the batch is not, Gather, Slice, Concat, Cast, integer arithmetic, ...), in bodies too.
 * On the way types and shapes are inferred and written on the values. No weight is copied. In place; no runtime is needed.
 * Values that a graph returns are left as they are.
 */
export function foldConstants(module: GraphModule, options: FoldConstantsOptions = {}): FoldReport {
  const folding = new Folding(options);
  for (const node of opsInOrder(module.graph)) {
    if (!folding.fold(node) && folding.isFoldable(node))
      folding.leave(node, 'no kernel evaluates it, or its result is too large');
  }
  return folding.report();
}

/** Like {@link foldConstants}, and asks an evaluator for operators with constant inputs that have no kernel here. */
export async function foldConstantsWith(
  module: GraphModule,
  evaluator: ConstantEvaluator,
  options: FoldConstantsOptions = {},
): Promise<FoldReport> {
  const folding = new Folding(options);
  for (const node of opsInOrder(module.graph)) {
    if (folding.fold(node) || !folding.isFoldable(node)) continue;
    const tensors = await evaluator.evaluate(node, node.inputs.map(constantTensor));
    if (tensors === undefined) folding.leave(node, 'the evaluator does not know it');
    else if (!folding.replace(node, tensors)) folding.leave(node, 'its result is too large');
  }
  return folding.report();
}

/** Writes inferred types and shapes on the values of a module, as far as they follow from its inputs; folds nothing. */
export function inferShapes(module: GraphModule): void {
  const knowledge = new Knowledge(DEFAULT_LIMIT);
  for (const node of opsInOrder(module.graph)) {
    knowledge.evaluate(node);
    knowledge.inferTypes(node);
  }
}

const DEFAULT_LIMIT = 16_384;

/** How far ahead a value's readers are followed to an If. */
const STEPS_TO_A_BRANCH = 4;

/**
 * True for a value that only decides which branch of an If is taken: the runtime inlines a branch that it can choose when it
 * loads the model, and then refuses shapes that it accepted before.
 */
function decidesABranch({ uses }: Value, steps: number = STEPS_TO_A_BRANCH): boolean {
  if (uses.size === 0 || steps === 0) return false;
  for (const { node } of uses) {
    if (node.kind !== 'op') return false;
    if (!node.is('If') && !node.outputs.every((value) => decidesABranch(value, steps - 1))) return false;
  }
  return true;
}

/** Operators that must not become constants though their inputs are. */
const NEVER: ReadonlySet<string> = new Set([
  ...[
    'RandomNormal',
    'RandomNormalLike',
    'RandomUniform',
    'RandomUniformLike',
    'Multinomial',
    'Bernoulli',
    'Dropout',
  ],
  ...['QuantizeLinear', 'DequantizeLinear', 'DynamicQuantizeLinear'],
]);

class Folding {
  readonly #knowledge: Knowledge;
  readonly #limit: number;
  readonly #left: { node: string; opType: string; reason: string }[] = [];
  #folded = 0;
  #erased = 0;

  constructor({ maxElements = DEFAULT_LIMIT }: FoldConstantsOptions) {
    this.#limit = maxElements;
    this.#knowledge = new Knowledge(maxElements);
  }

  report(): FoldReport {
    return { folded: this.#folded, erased: this.#erased, left: this.#left };
  }

  leave(node: OpNode, reason: string): void {
    this.#left.push({ node: node.displayName, opType: node.opType, reason });
  }

  /** Folds an operator if that takes no runtime; true when it is gone. */
  fold(node: OpNode): boolean {
    const known = NEVER.has(node.opType) ? undefined : this.#knowledge.evaluate(node);
    this.#knowledge.inferTypes(node);
    if (node.is('Reshape')) this.#fixTarget(node);
    if (!this.#mayGo(node)) return false;
    const tensor =
      node.domain === '' && node.opType === 'Constant'
        ? constantNodeTensor(node)
        : known && tensorOfKnown(known);
    if (tensor !== undefined) return this.#become(node, [tensor]);
    const source = constantTensor(node.inputs[0]);
    const relaid = source && relaidTensor(node, source);
    return relaid !== undefined && this.#become(node, [relaid]);
  }

  /** True for an operator whose inputs are all constant and that an evaluator may be asked for. */
  isFoldable(node: OpNode): boolean {
    if (!this.#mayGo(node) || NEVER.has(node.opType) || node.opType === 'Constant') return false;
    if (node.subgraphs().length > 0 || node.inputs.length === 0) return false;
    return node.inputs.every((value) => value === undefined || constantTensor(value) !== undefined);
  }

  /** Puts evaluated results in an operator's place; false when they are too large. */
  replace(node: OpNode, tensors: readonly Tensor[]): boolean {
    const size = tensors.reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0);
    return size <= this.#limit && this.#become(node, tensors);
  }

  #mayGo(node: OpNode): boolean {
    return (
      node.outputs.some(({ uses }) => uses.size > 0) &&
      !node.outputs.some(isGraphOutput) &&
      !node.outputs.some((value) => decidesABranch(value))
    );
  }

  #become(node: OpNode, tensors: readonly Tensor[]): boolean {
    const { graph } = node;
    const made: [Value, string][] = [];
    for (const [i, value] of node.outputs.entries()) {
      const tensor = tensors[i];
      if (tensor === undefined || value.uses.size === 0) continue;
      const { output } = graph.getAttr(value.name, tensor, node);
      value.replaceAllUsesWith(output);
      made.push([output, value.name]);
    }
    this.#erase(node);
    for (const [value, name] of made) graph.rename(value, name);
    this.#folded++;
    return true;
  }

  /** Erases an unused node and all that only it used. */
  #erase(node: OpNode): void {
    const dead: Value['producer'][] = [node];
    for (let next = dead.pop(); next !== undefined; next = dead.pop()) {
      if (next.erased || next.outputs.some(({ uses }) => uses.size > 0)) continue;
      const inputs = [...next.inputs];
      next.graph.eraseNode(next);
      if (next.kind === 'op' && next !== node) this.#erased++;
      for (const value of new Set(inputs)) {
        const producer = value?.producer;
        if (producer?.kind === 'op' || producer?.kind === 'get_attr') dead.push(producer);
      }
    }
  }

  /** A Reshape whose computed target leaves at most one size open needs no computing: -1 stands for it. */
  #fixTarget(node: OpNode): void {
    const [x, target] = node.inputs;
    const sizes = this.#knowledge.of(target)?.elements.map((e) => (typeof e === 'bigint' ? Number(e) : e));
    if (target === undefined || sizes === undefined || constantTensor(target) !== undefined) return;
    const dims = reshapedDims(x?.shape, sizes as readonly Dim[], node.attributes.int('allowzero', 0) !== 0);
    if (dims.filter((dim) => typeof dim !== 'number').length > 1 || dims.includes(0)) return;
    const fixed = int64Tensor(dims.map((dim) => (typeof dim === 'number' ? dim : -1)));
    node.setInput(1, node.graph.getAttr(`${node.output.name}_shape`, fixed, node).output);
    const { producer } = target;
    if (producer.kind === 'op' && producer.outputs.every(({ uses }) => uses.size === 0)) {
      this.#erased++;
      this.#erase(producer);
    }
  }
}
