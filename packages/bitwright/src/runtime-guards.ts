import { BitwrightError } from '@bitwright/core';
import type { GraphModule } from '@bitwright/graph';

const NARROW = new Set(['int4', 'uint4', 'int2', 'uint2']);

/**
 * Refuses a model whose outputs are 4- or 2-bit integers: onnxruntime-node aborts the whole process when it fetches one
 * (numerics, runtime trap 2).
 *
 * @throws RUNTIME_NARROW_OUTPUT naming the output.
 */
export function assertRunnableOutputs(module: GraphModule, name: string): void {
  for (const value of module.graph.outputs) {
    if (value.dtype === undefined || !NARROW.has(value.dtype)) continue;
    throw new BitwrightError({
      code: 'RUNTIME_NARROW_OUTPUT',
      message: `The output '${value.name}' of '${name}' is ${value.dtype}, and fetching it would abort the process.`,
      hint: 'Let the model end with a DequantizeLinear.',
      at: { file: name, value: value.name },
    });
  }
}
