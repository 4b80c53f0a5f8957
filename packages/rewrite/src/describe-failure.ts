import { type Node, nodeName, type OpNode, type Value } from '@bitwright/graph';
import { opNameOf } from './op-schemas.js';
import {
  describePattern,
  type OpData,
  type PatternData,
  type ResultOfData,
  type SameData,
  type VariadicData,
} from './pattern-data.js';

/** What kept a step of a pattern from fitting, before it is put into words. */
export type Failure =
  | { readonly kind: 'left-out'; readonly data: PatternData }
  | { readonly kind: 'present' | 'not-constant' }
  | { readonly kind: 'other-value'; readonly data: SameData | ResultOfData }
  | { readonly kind: 'other-maker' | 'other-graph' | 'other-result' | 'other-root'; readonly data: OpData }
  | { readonly kind: 'too-few'; readonly data: VariadicData; readonly count: number };

/** A failure in words: what was needed and what was found. */
export function describeFailure(
  failure: Failure,
  node: OpNode,
  value: Value | undefined,
): { readonly needed: string; readonly found: string } {
  const maker = value === undefined ? 'an input that is left out' : describeMaker(value);
  switch (failure.kind) {
    case 'left-out':
      return { needed: describePattern(failure.data), found: 'an input that is left out' };
    case 'present':
      return { needed: 'no input here', found: maker };
    case 'not-constant':
      return { needed: 'a constant', found: maker };
    case 'other-value':
      return { needed: describePattern(failure.data), found: `'${value?.name}'` };
    case 'other-maker':
      return { needed: failure.data.opName, found: maker };
    case 'other-graph':
      return { needed: `${failure.data.opName} in the same graph`, found: 'one in a graph around it' };
    case 'other-result':
      return {
        needed: `result ${failure.data.output ?? 0} of ${failure.data.opName}`,
        found: `result ${value?.index}`,
      };
    case 'other-root':
      return { needed: failure.data.opName, found: opNameOf(node) };
    case 'too-few':
      return { needed: `at least ${failure.data.atLeast} inputs`, found: `${failure.count}` };
  }
}

/** Who makes a value, in words. */
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

/** Who reads a value, in words. */
export function describeReader(node: Node): string {
  if (node.kind === 'output') return 'it is an output of the graph';
  return node.kind === 'op'
    ? `${opNameOf(node)} '${nodeName(node)}' reads it`
    : `'${nodeName(node)}' reads it`;
}
