import { signedBits } from '@bitwright/core';
import { nodeName, type OpNode } from '@bitwright/graph';
import type { AccumulatorProof, ChannelProof } from '@bitwright/quantize';
import * as z from 'zod';

const channel = z
  .strictObject({
    weightZeroPoint: z.int(),
    l1: z.int().describe('sum of |q_w - z_w| over the weights of the channel'),
    least: z
      .int()
      .describe('least sum that any input makes: each product as small as the input codes allow, 0 at most'),
    greatest: z
      .int()
      .describe(
        'greatest sum that any input makes: each product as large as the input codes allow, 0 at least',
      ),
    bits: z.int().describe('the narrowest signed register that holds both'),
    holds: z.boolean().describe('whether that is no wider than the accumulator'),
  })
  .describe('one output channel, in the order of the outputs');

const layer = z.strictObject({
  name: z.string().describe('the node, as the model calls it'),
  opType: z.string(),
  weights: z
    .string()
    .optional()
    .describe('the initializer of the weight codes; absent where the file holds no codes (qonnx)'),
  terms: z.int().describe('products that one sum has'),
  input: z
    .strictObject({ min: z.int(), max: z.int(), zeroPoint: z.int() })
    .describe('codes of the input; a file may store codes and zero point moved by one and the same number'),
  holds: z.boolean(),
  channels: z.array(channel),
});

const proof = z.strictObject({
  format: z.literal('bitwright-accumulators'),
  version: z.literal(1),
  model: z.string().optional().describe('the file beside this one'),
  sha256: z.string().describe('digest of that file: the proof is of no other'),
  accumulatorBits: z.int().describe('P, the width of the signed register that was asked for'),
  sum: z
    .literal('sum((q_x - z_x) * (q_w - z_w)), bias apart')
    .describe('what the register holds, at the end and after every product, in any order'),
  holds: z.boolean().describe('whether every channel of every layer holds'),
  layers: z.array(layer),
  unproven: z
    .array(z.strictObject({ name: z.string(), opType: z.string(), reason: z.string() }))
    .describe('quantized layers of which nothing is proved'),
});

/** The proof that lies beside a model: what the sums of each channel can reach, for any input. */
export type AccumulatorDocument = z.infer<typeof proof>;

/** A proof before the bytes of its model are known. */
export type UnsignedProof = Omit<AccumulatorDocument, 'model' | 'sha256'>;

/** The JSON Schema of a proof, as it is published in `docs/reference/accumulators.schema.json`. */
export function accumulatorJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(proof), title: 'Bitwright accumulator proof' };
}

/**
 * Lays proofs out as a document.
 *
 * @param weightsOf the initializer of a layer's weight codes.
 */
export function accumulatorDocument(
  bits: number,
  proofs: readonly AccumulatorProof[],
  unproven: AccumulatorDocument['unproven'],
  weightsOf: (node: OpNode) => string | undefined,
): UnsignedProof {
  const layers = proofs.map(({ node, terms, input, channels: proved }) => {
    const channels = proved.map((one) => channelOf(one, bits));
    const weights = weightsOf(node);
    return {
      name: nodeName(node),
      opType: node.opType,
      ...(weights !== undefined && { weights }),
      terms,
      input,
      holds: channels.every(({ holds }) => holds),
      channels,
    };
  });
  return {
    format: 'bitwright-accumulators',
    version: 1,
    accumulatorBits: bits,
    sum: 'sum((q_x - z_x) * (q_w - z_w)), bias apart',
    holds: layers.every(({ holds }) => holds),
    layers,
    unproven,
  };
}

function channelOf(
  proved: ChannelProof,
  limit: number,
): AccumulatorDocument['layers'][number]['channels'][number] {
  const bits = signedBits(proved.least, proved.greatest);
  return { ...proved, bits, holds: bits <= limit };
}

/** The path of the proof beside a model: `model.onnx` has `model.accumulators.json`. */
export function proofPath(model: string): string {
  return `${model.replace(/\.onnx$/i, '')}.accumulators.json`;
}
