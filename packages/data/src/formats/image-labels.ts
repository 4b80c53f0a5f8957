import { BitwrightError } from '@bitwright/core';
import type { CsvLabel, FileNameLabel, ImageFolderCard, ImagesCard } from '../data-card.js';
import type { ReaderContext } from '../sample-reader.js';
import { readLines } from '../text.js';

/** The class of a sample; undefined where there is none. */
export type LabelOf = (index: number) => number | undefined;

/** How a card's images get their classes; undefined for a card without labels. @throws DATA_LABEL for a class that is not listed. */
export function labelsOf(
  card: ImagesCard | ImageFolderCard,
  paths: readonly string[],
  context: ReaderContext,
): LabelOf | undefined {
  const label = card.label ?? (card.format === 'image-folder' ? 'folder' : undefined);
  if (label === undefined) return undefined;
  if (label === 'folder') return folderLabels(paths);
  switch (label.from) {
    case 'file-name':
      return fileNameLabels(label, paths, context);
    case 'csv':
      return csvLabels(label, paths, context);
  }
}

function folderLabels(paths: readonly string[]): LabelOf {
  const folders = paths.map((path) => path.split(/[\\/]/).at(-2) ?? '');
  const classes = new Map([...new Set(folders)].sort().map((folder, index) => [folder, index]));
  return (index) => classes.get(folders[index]!);
}

function fileNameLabels(label: FileNameLabel, paths: readonly string[], context: ReaderContext): LabelOf {
  const lines = readLines(context.host.source(context.host.resolve(label.classes)));
  const classes = new Map(lines.map((line, index) => [line.trim(), index]));
  return (index) => {
    const name = paths[index]!.split(/[\\/]/).at(-1)!;
    const key = name.split(label.before)[0]!;
    const found = classes.get(key);
    if (found !== undefined) return found;
    throw labelError(paths[index]!, `its class '${key}' is not in '${label.classes}'`, context);
  };
}

function csvLabels(label: CsvLabel, paths: readonly string[], context: ReaderContext): LabelOf {
  const [head, ...rows] = readLines(context.host.source(context.host.resolve(label.file))).map((line) =>
    line.split(',').map((cell) => cell.trim()),
  );
  const pathColumn = head?.indexOf(label.path) ?? -1;
  const labelColumn = head?.indexOf(label.label) ?? -1;
  if (pathColumn < 0 || labelColumn < 0) {
    throw labelError(
      label.file,
      `it has no columns '${label.path}' and '${label.label}' (its first line must name them)`,
      context,
    );
  }
  const classes = new Map<string, number>();
  for (const row of rows) {
    const value = Number(row[labelColumn]);
    classes.set(row[pathColumn]!, value);
    classes.set(context.host.resolve(row[pathColumn]!), value);
  }
  return (index) => classes.get(paths[index]!) ?? classes.get(paths[index]!.split(/[\\/]/).at(-1)!);
}

function labelError(file: string, why: string, context: ReaderContext): BitwrightError {
  return new BitwrightError({
    code: 'DATA_LABEL',
    message: `The label of '${file}' cannot be told: ${why}.`,
    hint: 'Correct "label" in the card, or the file that it names.',
    at: { file: context.card, option: 'label' },
  });
}
