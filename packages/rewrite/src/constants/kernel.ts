import type { OpNode } from '@bitwright/graph';
import { allNumbers, type KnownValue } from './known-value.js';

/** What a kernel sees of the operator that it evaluates. */
export interface KernelCall {
  readonly node: OpNode;
  /** What is known of each input; undefined for one that is left out or not known at all. */
  readonly inputs: readonly (KnownValue | undefined)[];
  /** The most elements that may be made. */
  readonly limit: number;
}

/** Evaluates one operator with a single result; undefined when it cannot. Elements that cannot be known may stay unknown. */
export type Kernel = (call: KernelCall) => KnownValue | undefined;

/** Integers given by an input (newer opsets) or an attribute (older ones); undefined when given but not known, [] when not given. */
export function intsArgument(
  { node, inputs }: KernelCall,
  input: number,
  attribute: string,
): number[] | undefined {
  if (node.inputs[input] !== undefined) return allNumbers(inputs[input]);
  return [...(node.attributes.ints(attribute) ?? [])];
}
