import { BitwrightError } from '@bitwright/core';
import type { DataHost, FoundPath } from '../data-host.js';
import type { ImageFile } from '../image-labels.js';
import type { ReaderContext } from '../sample-reader.js';

const IMAGE_NAME = /\.(jpe?g|png|webp|gif|tiff?|avif|bmp|ppm|pgm)$/i;

/**
 * The image files that a card's paths stand for: a file is itself, a folder is all images below it, in the order of their paths.
 *
 * The class of a file is the folder that it lies in; below a folder that the card names it is that folder's own subfolder.
 *
 * @throws DATA_NO_FILES for a folder without images.
 */
export function imageFiles(found: readonly FoundPath[], context: ReaderContext): readonly ImageFile[] {
  return found.flatMap(({ path, isFolder }) => {
    if (!isFolder) {
      const folder = parentOf(path);
      return [{ path, folder, root: parentOf(folder) }];
    }
    const files = context.host
      .children(path)
      .flatMap((child) =>
        imagesBelow(child, context.host).map((file) => ({
          path: file,
          folder: child.isFolder ? child.path : path,
          root: child.isFolder ? path : parentOf(path),
        })),
      );
    if (files.length > 0) return files;
    throw new BitwrightError({
      code: 'DATA_NO_FILES',
      message: `No image lies in the folder '${path}' of '${context.card}' or below it.`,
      hint: 'Name the folder that holds the images, or a glob.',
      at: { file: path, option: 'files' },
    });
  });
}

function imagesBelow(entry: FoundPath, host: DataHost): readonly string[] {
  if (!entry.isFolder) return IMAGE_NAME.test(entry.path) ? [entry.path] : [];
  return host.children(entry.path).flatMap((child) => imagesBelow(child, host));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'), 0));
}
