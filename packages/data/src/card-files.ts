import { BitwrightError } from '@bitwright/core';
import type { FileChoice } from './data-card.js';
import type { FoundPath, PathKind } from './data-host.js';
import type { ReaderContext } from './sample-reader.js';
import { readLines } from './text.js';

/**
 * The files of a card, in order: each entry of `files` (sorted within a glob, each file once), or the lines of `list`.
 *
 * @throws DATA_NO_FILES, FILE_ABSENT, FILE_IS_DIRECTORY, naming what was looked for.
 */
export async function cardFiles(card: FileChoice, context: ReaderContext): Promise<readonly string[]> {
  const found = await cardPaths(card, context);
  const folder = found.find((entry) => entry.isFolder);
  if (folder === undefined) return found.map((entry) => entry.path);
  throw new BitwrightError({
    code: 'FILE_IS_DIRECTORY',
    message: `'${folder.path}' is a folder, and '${context.card}' needs files.`,
    hint: 'Name the files, e.g. with a glob such as folder/**/*.png.',
    at: { file: folder.path },
  });
}

/** Like {@link cardFiles}, but folders may be among them: those that are named, and with `any` also those that a glob meets. */
export async function cardPaths(
  card: FileChoice,
  context: ReaderContext,
  kind: PathKind = 'files',
): Promise<readonly FoundPath[]> {
  if (card.list !== undefined) return listedFiles(card.list, context);
  const seen = new Map<string, FoundPath>();
  for (const pattern of card.files ?? []) {
    const matches = await context.host.find(pattern, kind);
    if (matches.length === 0) throw noFiles(pattern, context);
    for (const entry of matches) if (!seen.has(entry.path)) seen.set(entry.path, entry);
  }
  return [...seen.values()];
}

function listedFiles(list: string, { host, card }: ReaderContext): readonly FoundPath[] {
  const listPath = host.resolve(list);
  const paths = readLines(host.source(listPath)).filter((line) => line.trim() !== '');
  if (paths.length === 0) {
    throw new BitwrightError({
      code: 'DATA_NO_FILES',
      message: `The list '${listPath}' of '${card}' names no file.`,
      hint: 'Put one path a line into it, relative to the card.',
      at: { file: listPath, option: 'list' },
    });
  }
  const found = paths.map((line) => host.resolve(line.trim()));
  const absent = found.filter((path) => !host.exists(path));
  if (absent.length > 0) {
    throw new BitwrightError({
      code: 'FILE_ABSENT',
      message: `${absent.length} of the ${found.length} files that '${listPath}' names do not exist, the first is '${absent[0]}'.`,
      hint: 'Paths in a list are relative to the card.',
      at: { file: absent[0]!, option: 'list' },
    });
  }
  return found.map((path) => ({ path, isFolder: false }));
}

function noFiles(pattern: string, { host, card }: ReaderContext): BitwrightError {
  return new BitwrightError({
    code: 'DATA_NO_FILES',
    message: `No file matches '${pattern}' of '${card}' (looked for ${host.resolve(pattern)}).`,
    hint: 'Globs are relative to the card; ** stands for any folders.',
    at: { file: card, option: 'files' },
  });
}
