import { BitwrightError } from '@bitwright/core';
import { cardPaths } from '../card-files.js';
import type { OnnxTensorsCard } from '../data-card.js';
import type { ReaderContext } from '../sample-reader.js';

/** The tensor files of one sample. */
export interface TensorSet {
  /** The folder's path. */
  readonly name: string;
  readonly files: readonly string[];
}

/**
 * The samples of a card of tensor files: folders of `.pb` files, folders of such folders, or `.pb` files, which form one
 * sample a folder. Files of outputs (`output_0.pb`) are left out.
 *
 * @throws DATA_NO_FILES, naming the folder without tensors.
 */
export async function tensorSets(
  card: OnnxTensorsCard,
  context: ReaderContext,
): Promise<readonly TensorSet[]> {
  const sets = new Map<string, string[]>();
  const add = (folder: string, file: string): void => {
    sets.set(folder, [...(sets.get(folder) ?? []), file]);
  };
  for (const entry of await cardPaths(card, context, 'any')) {
    if (!entry.isFolder) {
      if (isInput(entry.path)) add(folderOf(entry.path), entry.path);
      continue;
    }
    const inside = context.host.children(entry.path);
    const folders = inside.some(({ path }) => isInput(path))
      ? [entry]
      : inside.filter(({ isFolder }) => isFolder);
    const before = sets.size;
    for (const { path } of folders)
      for (const file of context.host.children(path)) if (isInput(file.path)) add(path, file.path);
    if (sets.size === before) throw noTensors(entry.path, context.card);
  }
  if (sets.size === 0) throw noTensors(card.files.join(', '), context.card);
  return [...sets]
    .map(([name, files]) => ({ name, files: files.sort(byNumber) }))
    .sort((a, b) => byNumber(a.name, b.name));
}

function isInput(path: string): boolean {
  return /\.pb$/i.test(path) && !/[\\/]output_\d+\.pb$/i.test(path);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'), 0));
}

/** `test_data_set_2` comes before `test_data_set_10`. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function noTensors(folder: string, card: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_NO_FILES',
    message: `'${folder}' of '${card}' holds no tensor files (.pb).`,
    hint: 'Name folders such as test_data_set_*, each with an input_0.pb, relative to the card.',
    at: { file: card, option: 'files' },
  });
}
