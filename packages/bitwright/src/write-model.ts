import { assertWritable, writeFileAtomically } from '@bitwright/core/node';
import { type AccumulatorDocument, proofPath } from './accumulator-document.js';
import type { QuantizeOptions } from './quantize-options.js';

/** A quantized model, with its proof where one was asked for. */
export interface ModelFiles {
  readonly bytes: Uint8Array;
  readonly accumulators?: AccumulatorDocument | undefined;
}

/** Proves, before long work begins, that a model and what goes beside it can be written. @throws OUTPUT_UNWRITABLE. */
export function assertModelWritable({
  output,
  accumulatorBits,
}: Pick<QuantizeOptions, 'output' | 'accumulatorBits'>): void {
  if (output === undefined) return;
  assertWritable(output);
  if (accumulatorBits !== undefined) assertWritable(proofPath(output));
}

/** The files of a model by their paths: its proof, then itself. */
export function filesOfModel(
  path: string,
  { bytes, accumulators }: ModelFiles,
): [path: string, content: Uint8Array | string][] {
  if (accumulators === undefined) return [[path, bytes]];
  const document = { ...accumulators, model: path.split(/[\\/]/).at(-1) };
  return [
    [proofPath(path), `${JSON.stringify(document, undefined, 1)}\n`],
    [path, bytes],
  ];
}

/** Writes a model and what goes beside it, each at once or not at all. @throws OUTPUT_UNWRITABLE. */
export function writeModel(path: string, model: ModelFiles): void {
  for (const [file, content] of filesOfModel(path, model)) writeFileAtomically(file, content);
}
