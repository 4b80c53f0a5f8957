import { BitwrightError, BufferSource, describeThrown, didYouMean } from '@bitwright/core';
import { type NpyArray, openNpyArray } from '../arrays/npy-array.js';
import { cardFiles } from '../card-files.js';
import type { NpzCard, NpzInput } from '../data-card.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import { arraySamples } from './array-samples.js';

/** The unpacked arrays of an archive by their names, without `.npy`. */
type Archive = ReadonlyMap<string, () => NpyArray>;

/**
 * Opens `.npz` archives (numpy.savez, numpy.savez_compressed) with one array an input; several archives follow each other.
 *
 * An input takes the array that the card names, else the one of its own name, else the only one that is not the labels.
 *
 * @throws DATA_NPZ for what is no such archive or has no such array, with the nearest name; DATA_NPY for a broken array.
 */
export async function openNpz(
  card: NpzCard,
  inputs: readonly MatchedInput<NpzInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const paths = await cardFiles(card, context);
  const archives: { readonly path: string; readonly arrays: Archive }[] = [];
  for (const path of paths) archives.push({ path, arrays: await unpack(path, context) });
  const columns = inputs.map(({ spec, from }) => ({
    spec,
    arrays: archives.map(({ path, arrays }) => {
      const others = [...arrays.keys()].filter((name) => name !== card.label);
      const only =
        inputs.length === 1 && others.length === 1 && !arrays.has(spec.name) ? others[0] : undefined;
      return arrayOf(arrays, from.array ?? only ?? spec.name, path, `inputs.${spec.name}.array`);
    }),
  }));
  const { label } = card;
  const labels =
    label === undefined
      ? undefined
      : archives.map(({ path, arrays }) => arrayOf(arrays, label, path, 'label'));
  return arraySamples(columns, labels);
}

async function unpack(path: string, { host }: ReaderContext): Promise<Archive> {
  const source = host.source(path);
  const { unzipSync } = await import('fflate');
  let files: Readonly<Record<string, Uint8Array>>;
  try {
    files = unzipSync(source.read(0, source.size), { filter: ({ name }) => name.endsWith('.npy') });
  } catch (thrown) {
    throw npzError(path, `is not an archive that can be unpacked (${describeThrown(thrown)})`);
  }
  return new Map(
    Object.entries(files).map(([name, bytes]) => [
      name.slice(0, -'.npy'.length),
      () => openNpyArray(new BufferSource(`${path}/${name}`, bytes)),
    ]),
  );
}

function arrayOf(arrays: Archive, name: string, path: string, option: string): NpyArray {
  const found = arrays.get(name);
  if (found !== undefined) return found();
  const names = [...arrays.keys()];
  const list = names.length === 0 ? 'no array at all' : names.map((known) => `'${known}'`).join(', ');
  throw npzError(path, `has no array '${name}' (it has ${list})`, didYouMean(name, names), option);
}

function npzError(
  path: string,
  what: string,
  hint = 'Write it with numpy.savez, one array an input.',
  option?: string,
): BitwrightError {
  return new BitwrightError({
    code: 'DATA_NPZ',
    message: `'${path}' ${what}.`,
    hint,
    at: { file: path, ...(option !== undefined && { option }) },
  });
}
