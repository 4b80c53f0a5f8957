import { BitwrightError, type Diagnostic } from '@bitwright/core';
import { type GraphModule, isQuantizer, nodeName, type OpNode } from '@bitwright/graph';
import { type AccumulatorProof, type PreparedLayer, proveAccumulators } from '@bitwright/quantize';
import { accumulatorDocument, type UnsignedProof } from './accumulator-document.js';

/** What was proved of the accumulators of a model. */
export interface RecordedAccumulators {
  /** Warnings for the layers that nothing can be proved of. */
  readonly diagnostics: readonly Diagnostic[];
  /** The proof as a document, once the model is lowered and its initializers have their names. */
  readonly document: () => UnsignedProof;
}

/**
 * Proves that no input overflows the accumulator that the weights were rounded for, and writes the extreme sums of each output
 * channel into the model's metadata (`bitwright.accumulators`).
 *
 * @throws ACCUMULATOR_EXCEEDED when a layer does not keep to it.
 */
export function recordAccumulators(
  module: GraphModule,
  layers: readonly PreparedLayer[],
  bits: number,
): RecordedAccumulators {
  const proofs = proveAccumulators(layers);
  for (const proof of proofs) assertWithin(proof, bits);
  const summary = proofs.map(({ node, limit, channels }) => ({
    name: nodeName(node),
    ...(limit !== undefined && { limit }),
    low: channels.map(({ least }) => least),
    high: channels.map(({ greatest }) => greatest),
  }));
  module.metadataProps.set('bitwright.accumulators', JSON.stringify({ bits, layers: summary }));
  const proven = new Set(proofs.map(({ node }) => node));
  const unproven = layers.flatMap((layer) => {
    const reason = proven.has(layer.anchor) ? undefined : reasonOf(layer);
    return reason === undefined
      ? []
      : [{ name: nodeName(layer.anchor), opType: layer.anchor.opType, reason }];
  });
  return {
    diagnostics: unproven.map(({ name, reason }) => ({
      code: 'ACCUMULATOR_UNBOUNDED',
      severity: 'warning',
      message: `Nothing is proved of the accumulator of '${name}': ${reason}.`,
      at: { node: name },
    })),
    document: () => accumulatorDocument(bits, proofs, unproven, storedWeights),
  };
}

function assertWithin({ node, channels }: AccumulatorProof, bits: number): void {
  const least = -(2 ** (bits - 1));
  if (channels.every((one) => one.least >= least && one.greatest <= -least - 1)) return;
  throw new BitwrightError({
    code: 'ACCUMULATOR_EXCEEDED',
    message: `The weights of '${nodeName(node)}' could overflow an accumulator of ${bits} bits.`,
    hint: 'Take a wider accumulator or fewer activation bits.',
    at: { node: nodeName(node) },
  });
}

const PRODUCTS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Why nothing is proved of a layer; undefined for one that sums no products. */
function reasonOf({ anchor, weightInput, weightQuantizer }: PreparedLayer): string | undefined {
  if (weightInput === undefined)
    return PRODUCTS.has(anchor.opType) ? 'its second operand is no constant' : undefined;
  if (weightQuantizer === undefined) return 'its weights are not quantized';
  return isQuantizer(anchor.inputs[0]?.producer)
    ? 'its weights are not one matrix'
    : 'its input is not quantized';
}

/** The initializer of the weight codes of a lowered layer; undefined where the dialect keeps none. */
function storedWeights({ inputs }: OpNode): string | undefined {
  const dequantizer = inputs[1]?.producer;
  if (dequantizer?.kind !== 'op' || !dequantizer.is('DequantizeLinear')) return undefined;
  return dequantizer.inputs[0]?.name;
}
