import { BitwrightError, type Diagnostic } from '@bitwright/core';
import { type GraphModule, nodeName } from '@bitwright/graph';
import { type PreparedModel, proveAccumulators } from '@bitwright/quantize';

/**
 * Proves that no input overflows the accumulator that the weights were rounded for, and writes the proof, the extreme sums of
 * each output channel, into the model's metadata (`bitwright.accumulators`).
 *
 * @returns warnings for the layers that nothing can be proved of.
 * @throws ACCUMULATOR_EXCEEDED when a layer does not keep to it.
 */
export function recordAccumulators(
  module: GraphModule,
  prepared: Pick<PreparedModel, 'layers'>,
  bits: number | undefined,
): Diagnostic[] {
  if (bits === undefined) return [];
  const proofs = proveAccumulators(prepared.layers);
  const least = -(2 ** (bits - 1));
  for (const { name, low, high } of proofs) {
    if (low.every((sum) => sum >= least) && high.every((sum) => sum <= -least - 1)) continue;
    throw new BitwrightError({
      code: 'ACCUMULATOR_EXCEEDED',
      message: `The weights of '${name}' could overflow an accumulator of ${bits} bits.`,
      hint: 'Take a wider accumulator or fewer activation bits.',
      at: { node: name },
    });
  }
  module.metadataProps.set('bitwright.accumulators', JSON.stringify({ bits, layers: proofs }));
  const proven = new Set(proofs.map(({ name }) => name));
  return prepared.layers.flatMap((layer) => {
    const name = nodeName(layer.anchor);
    if (layer.weightInput === undefined || proven.has(name)) return [];
    return [
      {
        code: 'ACCUMULATOR_UNBOUNDED',
        severity: 'warning' as const,
        message: `Nothing is proved of the accumulator of '${name}': its input is not quantized.`,
        at: { node: name },
      },
    ];
  });
}
