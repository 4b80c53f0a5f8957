import type { ByteSource, Tensor } from '@bitwright/core';

/** Decoded pixels, 8 bits each, row by row with the channels of a pixel side by side. */
export interface PixelImage {
  readonly width: number;
  readonly height: number;
  /** 3 are red, green, blue; 1 is grey. */
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/** Turns encoded images into pixels: the seam behind which an image library stands. */
export interface ImageDecoder {
  /**
   * Decodes the image as it is stored: no EXIF rotation, no colour profile, alpha dropped, CMYK converted to RGB.
   *
   * @throws FILE_ABSENT or DATA_IMAGE_UNREADABLE, naming the path.
   */
  decode(path: string): Promise<PixelImage>;
}

/** A path that a pattern of a card stands for. */
export interface FoundPath {
  /** The full path. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** What a glob may meet: files only, or folders as well. */
export type PathKind = 'files' | 'any';

/** A tensor with the name that its file gives it; empty for none. */
export interface NamedTensor extends Tensor {
  readonly name: string;
}

/**
 * Decodes the content of a TensorProto file. It is handed in from outside, because only one package knows protobuf.
 *
 * @param path how errors call the file.
 */
export type DecodeTensor = (bytes: Uint8Array, path: string) => NamedTensor;

/** What reading data needs from the machine: files beside a card, and an image decoder. */
export interface DataHost {
  /** How many images are worth decoding at the same time. */
  readonly concurrency: number;
  readonly decoder: ImageDecoder;
  readonly decodeTensor: DecodeTensor;
  /** The full path of a path that is relative to the card. */
  resolve(path: string): string;
  exists(path: string): boolean;
  /**
   * What a path or a glob stands for, sorted by code units.
   *
   * @throws FILE_ABSENT for a plain path that does not exist; a glob without a match gives an empty list.
   */
  find(pattern: string, kind: PathKind): Promise<readonly FoundPath[]>;
  /** What lies directly in a folder, sorted by code units. */
  children(folder: string): readonly FoundPath[];
  source(path: string): ByteSource;
}
