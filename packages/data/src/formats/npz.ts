import { BitwrightError, type ByteSource, didYouMean } from '@bitwright/core';
import { NpyArray } from '../arrays/npy-array.js';
import { type ZipEntry, zipContent, zipEntries } from '../arrays/zip-archive.js';
import { cardFiles } from '../card-files.js';
import type { NpzCard, NpzInput } from '../data-card.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import { arrayReader } from './array-reader.js';
import { arrayLabels } from './npy-labels.js';
import { Shards } from './shards.js';

/**
 * Opens `.npz` archives with one array an input; several archives follow each other.
 *
 * @throws DATA_ARRAY_NAME for an array that an archive does not hold, and what `arrayReader` throws.
 */
export async function openNpz(
  card: NpzCard,
  inputs: readonly MatchedInput<NpzInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const { inflateSync } = await import('fflate');
  const archives = (await cardFiles(card, context)).map((path) => {
    const source = context.host.source(path);
    return { source, entries: zipEntries(source) };
  });
  const open = ({ source, entries }: (typeof archives)[number], name: string, option: string) => {
    const entry = entries.get(`${name}.npy`) ?? entries.get(name);
    if (entry === undefined) throw unknownArray(source, entries, name, option);
    return NpyArray.open(zipContent(source, entry, inflateSync));
  };
  const arrays = inputs.map(({ spec, from }) => ({
    spec,
    shards: archives.map((archive) => {
      const only = inputs.length === 1 ? onlyArray(archive.entries, card.label) : undefined;
      return open(archive, from.array ?? only ?? spec.name, `inputs.${spec.name}.array`);
    }),
  }));
  const { label } = card;
  if (label === undefined) return arrayReader(arrays, undefined);
  const shards = new Shards(arrays[0]?.shards.map((array) => array.rows) ?? []);
  const labels = archives.map((archive, i) => {
    const samples = arrays[0]?.shards[i];
    return arrayLabels(open(archive, label, 'label'), samples?.rows ?? 0, samples?.source.name ?? '');
  });
  return arrayReader(arrays, (index) => {
    const shard = shards.shardOf(index);
    return labels[shard]!(index - shards.startOf(shard));
  });
}

function onlyArray(entries: ReadonlyMap<string, ZipEntry>, label: string | undefined): string | undefined {
  const names = arrayNames(entries).filter((name) => name !== label);
  return names.length === 1 ? names[0] : undefined;
}

function arrayNames(entries: ReadonlyMap<string, ZipEntry>): readonly string[] {
  return [...entries.keys()].map((name) => name.replace(/\.npy$/, ''));
}

function unknownArray(
  source: ByteSource,
  entries: ReadonlyMap<string, ZipEntry>,
  name: string,
  option: string,
): BitwrightError {
  const names = arrayNames(entries);
  return new BitwrightError({
    code: 'DATA_ARRAY_NAME',
    message: `'${source.name}' holds no array '${name}'; it holds ${names.map((known) => `'${known}'`).join(', ') || 'none'}.`,
    hint: didYouMean(name, names),
    at: { file: source.name, option },
  });
}
