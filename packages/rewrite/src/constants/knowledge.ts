import { constantTensor, type Graph, type OpNode, type Value } from '@bitwright/graph';
import { ARITHMETIC_KERNELS } from './arithmetic-kernels.js';
import { mergeDim, type Shape } from './dims.js';
import { type InferredType, inferTypes, inputShapes } from './infer-types.js';
import type { KernelCall } from './kernel.js';
import { type KnownValue, knownOfTensor } from './known-value.js';
import { SHAPE_KERNELS } from './shape-kernels.js';

/** What is known of values at compile time, gathered node by node in the graph's order. */
export class Knowledge {
  readonly #known = new Map<Value, KnownValue | undefined>();

  constructor(private readonly limit: number) {}

  /** What is known of a value's elements. */
  of(value: Value | undefined): KnownValue | undefined {
    if (value === undefined) return undefined;
    if (!this.#known.has(value)) {
      const tensor = constantTensor(value);
      this.#known.set(value, tensor && knownOfTensor(tensor, this.limit));
    }
    return this.#known.get(value);
  }

  /** Evaluates an operator as far as possible and notes what is known of its result. */
  evaluate(node: OpNode): KnownValue | undefined {
    const known = node.domain === '' && node.outputs.length === 1 ? this.#run(node) : undefined;
    const small = known !== undefined && known.elements.length <= this.limit ? known : undefined;
    if (small !== undefined) this.#known.set(node.output, small);
    return small;
  }

  /** Infers the types of an operator's results and refines what is written on them. */
  inferTypes(node: OpNode): void {
    const inferred = inferTypes({ ...this.#call(node), shapes: inputShapes(node) });
    for (const [i, value] of node.outputs.entries()) {
      const known = this.#known.get(value);
      const type = known === undefined ? inferred[i] : { dtype: known.dtype, shape: known.dims };
      if (type !== undefined) refineType(value, type);
    }
  }

  #run(node: OpNode): KnownValue | undefined {
    const { opType } = node;
    const kernels = Object.hasOwn(SHAPE_KERNELS, opType) ? SHAPE_KERNELS : ARITHMETIC_KERNELS;
    return Object.hasOwn(kernels, opType) ? kernels[opType]!(this.#call(node)) : undefined;
  }

  #call(node: OpNode): KernelCall {
    return { node, inputs: node.inputs.map((value) => this.of(value)), limit: this.limit };
  }
}

/** Writes what was inferred on a value, where it says more than is written there. Outputs of a graph keep what they declare. */
function refineType(value: Value, { dtype, shape }: InferredType): void {
  const { type } = value;
  if (type?.kind === 'other') return;
  const merged = mergedShape(value, type?.shape, shape);
  const element = type?.dtype ?? dtype;
  if (element === type?.dtype && sameShape(merged, type?.shape)) return;
  if (element === undefined && merged === undefined) return;
  value.type = { kind: 'tensor', dtype: element, shape: merged };
}

function mergedShape(value: Value, declared: Shape, inferred: Shape): Shape {
  if (declared === undefined || inferred === undefined) return declared ?? inferred;
  if (declared.length !== inferred.length) return declared;
  const isOutput = [...value.uses].some(({ node }) => node.kind === 'output');
  return declared.map((dim, i) => (isOutput ? (dim ?? inferred[i]) : mergeDim(dim, inferred[i])));
}

function sameShape(a: Shape, b: Shape): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** Every operator of a graph and of its bodies, each before what follows it and bodies at the place of their operator. */
export function* opsInOrder(graph: Graph): IterableIterator<OpNode> {
  const stack = [graph.ops()];
  for (let walk = stack.at(-1); walk !== undefined; walk = stack.at(-1)) {
    const { value: node, done } = walk.next();
    if (done === true) {
      stack.pop();
      continue;
    }
    // Taken before the node is handed out: it may be erased there.
    for (const body of node.subgraphs().toReversed()) stack.push(body.ops());
    yield node;
  }
}
