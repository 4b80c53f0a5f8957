import { BitwrightError } from '@bitwright/core';
import { openNpyArray } from '../arrays/npy-array.js';
import { cardFiles } from '../card-files.js';
import type { NpyCard, NpyInput } from '../data-card.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import { type ArrayInput, arraySamples } from './array-samples.js';

/**
 * Opens `.npy` arrays whose first dimension counts the samples: `files` for an only input, where several follow each other,
 * or a file for each input.
 *
 * @throws DATA_NPY for what is not such an array; DATA_CARD_VALUE for an input without a file.
 */
export async function openNpy(
  card: NpyCard,
  inputs: readonly MatchedInput<NpyInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const open = async (files: readonly string[]) =>
    (await cardFiles({ files }, context)).map((path) => openNpyArray(context.host.source(path)));
  const columns: ArrayInput[] = [];
  for (const { spec, from } of inputs) {
    const files =
      from.file === undefined ? filesOfCard(card, spec.name, inputs.length, context) : [from.file];
    columns.push({ spec, arrays: await open(files) });
  }
  return arraySamples(columns, card.label && (await open([card.label.file])));
}

function filesOfCard(
  card: NpyCard,
  input: string,
  inputs: number,
  context: ReaderContext,
): readonly string[] {
  if (card.files !== undefined && inputs === 1) return card.files;
  throw new BitwrightError({
    code: 'DATA_CARD_VALUE',
    message: `The card '${context.card}' names no file for the input '${input}'${card.files === undefined ? '' : `, and "files" can fill only one of ${inputs} inputs`}.`,
    hint: `Write "inputs": { "${input}": { "file": "….npy" } } in the card.`,
    at: { file: context.card, value: input, option: `inputs.${input}.file` },
  });
}
