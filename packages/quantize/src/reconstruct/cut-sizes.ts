import { elementCount } from '@bitwright/core';
import type { GraphModule, Value } from '@bitwright/graph';
import { inferShapes } from '@bitwright/rewrite';
import type { Block } from './blocks.js';

/** The most elements that one sample of any block's input or output has, as far as shapes can be inferred. @param sizes of the model's input, for one sample. */
export function largestCut(
  module: GraphModule,
  input: Value,
  sizes: readonly number[],
  blocks: readonly Block[],
): number {
  const copy = module.clone();
  for (const node of copy.graph.ops()) for (const value of node.outputs) value.type = undefined;
  copy.graph.findValue(input.name)!.type = { kind: 'tensor', dtype: 'float', shape: sizes };
  inferShapes(copy);
  let largest = elementCount(sizes);
  for (const { from, input: read, output } of blocks)
    for (const { name } of [from, read, output]) {
      const shape = copy.graph.findValue(name)?.shape;
      if (shape?.every((size) => typeof size === 'number'))
        largest = Math.max(largest, elementCount(shape as number[]));
    }
  return largest;
}
