import { BitwrightError } from '@bitwright/core';
import { NpyArray } from '../arrays/npy-array.js';
import { cardFiles } from '../card-files.js';
import type { NpyCard, NpyInput } from '../data-card.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import { type ArrayInput, arrayReader } from './array-reader.js';
import { npyLabels } from './npy-labels.js';

/**
 * Opens `.npy` arrays: the card's `files` for a model of one input, a `file` an input otherwise.
 *
 * @throws DATA_NO_FILES when an input has no file, and what `arrayReader` throws.
 */
export async function openNpy(
  card: NpyCard,
  inputs: readonly MatchedInput<NpyInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const { host } = context;
  const open = (path: string) => NpyArray.open(host.source(path));
  const shared = card.files === undefined ? [] : await cardFiles({ files: card.files }, context);
  const arrays = inputs.map(({ spec, from }): ArrayInput => {
    if (from.file !== undefined) return { spec, shards: [open(host.resolve(from.file))] };
    if (inputs.length === 1 && shared.length > 0) return { spec, shards: shared.map(open) };
    throw new BitwrightError({
      code: 'DATA_NO_FILES',
      message: `'${context.card}' names no file for input '${spec.name}'.`,
      hint: `Add "file" to inputs.${spec.name}${inputs.length === 1 ? ', or "files" to the card' : ''}.`,
      at: { file: context.card, value: spec.name, option: `inputs.${spec.name}.file` },
    });
  });
  const count = arrays[0]?.shards.reduce((sum, array) => sum + array.rows, 0) ?? 0;
  return arrayReader(arrays, card.label && npyLabels(card.label, count, context));
}
