import { type Node, nodeName, type OpNode, type Value } from '@bitwright/graph';
import { opNameOf } from './op-schemas.js';
import { describePattern, type PatternData } from './pattern-data.js';

/** What kept a step of a pattern from fitting, before it is put into words. */
export type FailureKind =
  | 'left-out'
  | 'present'
  | 'not-constant'
  | 'other-value'
  | 'other-maker'
  | 'other-graph'
  | 'other-result'
  | 'other-root'
  | 'too-few';

/**
 * A failure in words: what was needed and what was found.
 *
 * @param data the part of the pattern that failed.
 * @param node the operator that reads the value, or that is itself looked at.
 */
export function describeFailure(
  kind: FailureKind,
  data: PatternData | undefined,
  node: OpNode,
  value: Value | undefined,
): { readonly needed: string; readonly found: string } {
  const maker = value === undefined ? 'an input that is left out' : describeMaker(value);
  const opName = data?.kind === 'op' ? data.opName : 'an operator';
  const result = data?.kind === 'op' ? (data.output ?? 0) : 0;
  switch (kind) {
    case 'left-out':
      return { needed: data === undefined ? 'an input' : describePattern(data), found: maker };
    case 'present':
      return { needed: 'no input here', found: maker };
    case 'not-constant':
      return { needed: 'a constant', found: maker };
    case 'other-value':
      return { needed: data === undefined ? '' : describePattern(data), found: `'${value?.name}'` };
    case 'other-maker':
      return { needed: opName, found: maker };
    case 'other-graph':
      return { needed: `${opName} in the same graph`, found: 'one in a graph around it' };
    case 'other-result':
      return { needed: `result ${result} of ${opName}`, found: `result ${value?.index}` };
    case 'other-root':
      return { needed: opName, found: opNameOf(node) };
    case 'too-few': {
      const least = data?.kind === 'variadic' ? data.atLeast : 1;
      return { needed: `at least ${least} inputs`, found: `${node.inputs.length} inputs in all` };
    }
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
