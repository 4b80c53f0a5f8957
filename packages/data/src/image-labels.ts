import { BitwrightError, didYouMean } from '@bitwright/core';
import { parseCsv } from './csv.js';
import type { CsvLabel, FileNameLabel, ImagesCard } from './data-card.js';
import { npyLabels } from './formats/npy-labels.js';
import type { ReaderContext } from './sample-reader.js';
import { readLines, readText } from './text.js';

/** An image file, with the folder of its class where the card's files tell it. */
export interface ImageFile {
  readonly path: string;
  /** The class folder and the folder that holds the class folders. */
  readonly folder: string;
  readonly root: string;
}

/**
 * The class of each image as the card's `label` says, without reading the images.
 *
 * @returns undefined where the card has no `label`; the function gives undefined for an image without a class.
 * @throws DATA_LABEL for a table without the named columns or a label that is no class, naming the line.
 */
export async function imageLabels(
  label: ImagesCard['label'],
  files: readonly ImageFile[],
  context: ReaderContext,
): Promise<((index: number) => number | undefined) | undefined> {
  if (label === undefined) return undefined;
  if (label === 'folder') return folderLabels(files, context);
  if (label.from === 'file-name') return fileNameLabels(label, files, context);
  if (label.from === 'csv') return csvLabels(label, files, context);
  return npyLabels(label, files.length, context);
}

function folderLabels(files: readonly ImageFile[], { host }: ReaderContext): (index: number) => number {
  const names = new Set<string>();
  for (const root of new Set(files.map((file) => file.root))) {
    for (const child of host.children(root)) if (child.isFolder) names.add(baseName(child.path));
  }
  const classes = new Map([...names].sort().map((name, i) => [name, i]));
  return (index) => classes.get(baseName(files[index]!.folder))!;
}

function fileNameLabels(
  label: FileNameLabel,
  files: readonly ImageFile[],
  { host }: ReaderContext,
): (index: number) => number | undefined {
  const lines = readLines(host.source(host.resolve(label.classes)));
  const classes = new Map(lines.map((line, i) => [line.trim(), i]));
  return (index) => {
    const name = baseName(files[index]!.path);
    const mark = name.indexOf(label.before);
    return mark < 0 ? undefined : classes.get(name.slice(0, mark));
  };
}

function csvLabels(
  label: CsvLabel,
  files: readonly ImageFile[],
  { host }: ReaderContext,
): (index: number) => number | undefined {
  const table = host.resolve(label.file);
  const [heading = [], ...rows] = parseCsv(readText(host.source(table)));
  const column = (name: string, option: string): number => {
    const found = heading.indexOf(name);
    if (found >= 0) return found;
    throw labelError(table, `has no column '${name}'`, didYouMean(name, heading), `label.${option}`);
  };
  const pathColumn = column(label.path, 'path');
  const labelColumn = column(label.label, 'label');
  const classes = new Map<string, number>();
  for (const row of rows) {
    const path = row[pathColumn]?.trim() ?? '';
    const text = row[labelColumn]?.trim() ?? '';
    if (!/^\d+$/.test(text)) {
      throw labelError(
        table,
        `gives '${path}' the label '${text}', which is no class number`,
        'Labels are whole numbers from 0 on.',
        'label.label',
      );
    }
    // A bare file name stands for the file wherever it lies.
    classes.set(/[\\/]/.test(path) ? host.resolve(path) : path, Number(text));
  }
  return (index) => {
    const { path } = files[index]!;
    return classes.get(path) ?? classes.get(baseName(path));
  };
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

function labelError(file: string, what: string, hint: string, option: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_LABEL',
    message: `The table '${file}' ${what}.`,
    hint,
    at: { file, option },
  });
}
