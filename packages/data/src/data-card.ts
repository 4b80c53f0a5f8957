/** How a model's input is made from an image; the defaults feed raw RGB pixels 0..255. */
export interface ImageInput {
  readonly from: 'image';
  /** Resizes so that the shorter side has this many pixels; the aspect ratio is kept. */
  readonly shorterSide?: number;
  /** Resizes to [height, width]; the aspect ratio is not kept. */
  readonly resize?: readonly [number, number];
  /** Both are antialiased as in Pillow. Default `linear`. */
  readonly interpolation?: 'linear' | 'cubic';
  /** Cuts the middle out, after the resize: a square, or [height, width]. */
  readonly centerCrop?: number | readonly [number, number];
  /** Default `RGB`. */
  readonly channels?: 'RGB' | 'BGR' | 'grey';
  /** Default `NCHW`. */
  readonly layout?: 'NCHW' | 'NHWC';
  /** value = (pixel * rescale - mean) / std. Default 1. */
  readonly rescale?: number;
  /** One for all channels or one a channel, in the order that the model sees them. Default 0. */
  readonly mean?: number | readonly number[];
  /** Like `mean`. Default 1. */
  readonly std?: number | readonly number[];
}

/** The same value in every element, for every sample. */
export interface ConstantInput {
  readonly value: number;
  /** Needed where the model leaves a dimension open. */
  readonly shape?: readonly number[];
}

/** Seeded random elements: in [low, high) for float inputs, whole numbers in [low, high] for integer inputs. */
export interface RandomInput {
  readonly distribution: 'uniform';
  readonly low: number;
  readonly high: number;
  /** Needed where the model leaves a dimension open. */
  readonly shape?: readonly number[];
}

/** An array of an `.npz` file. */
export interface NpzInput {
  readonly from?: 'array';
  /** The array's name in the file. Default: the input's name; the only array for an only input. */
  readonly array?: string;
}

/** An `.npy` file of its own, for a model of several inputs. */
export interface NpyInput {
  readonly from?: 'array';
  readonly file?: string;
}

/** A file of each folder of `onnx-tensors`. */
export interface TensorFileInput {
  /** e.g. `input_0.pb`. */
  readonly file?: string;
}

/** The class is the zero-based line of the text before a mark in the file's name. */
export interface FileNameLabel {
  readonly from: 'file-name';
  readonly before: string;
  /** A text file with one class a line. */
  readonly classes: string;
}

/** The class stands in a table with a heading line. */
export interface CsvLabel {
  readonly from: 'csv';
  readonly file: string;
  /** The heading of the column of image paths (relative to the card, or bare file names). */
  readonly path: string;
  /** The heading of the column of zero-based classes. */
  readonly label: string;
}

/** The classes stand in an `.npy` file of integers, one a sample. */
export interface NpyLabel {
  readonly from: 'npy';
  readonly file: string;
}

/** Which samples of the files are used; applied in this order. */
export interface Selection {
  /** Leaves out the first so many. */
  readonly skip?: number;
  /** The seed of a random order. */
  readonly shuffle?: number;
  /** Keeps the first so many. */
  readonly take?: number;
}

/** Paths and globs, or a text file with one path a line; relative to the card. */
export interface FileChoice {
  readonly files?: readonly string[];
  readonly list?: string;
}

/** Image files in any layout of folders. */
export interface ImagesCard extends Selection, FileChoice {
  readonly format: 'images';
  readonly inputs: Readonly<Record<string, ImageInput | ConstantInput>>;
  readonly label?: 'folder' | FileNameLabel | CsvLabel;
}

/** Image files in one folder a class; `files` may name the folder of these folders. */
export interface ImageFolderCard extends Selection, FileChoice {
  readonly format: 'image-folder';
  readonly inputs: Readonly<Record<string, ImageInput | ConstantInput>>;
  readonly label?: 'folder' | FileNameLabel | CsvLabel;
}

/** CIFAR-10 in its binary form: records of one label byte and 3072 bytes of red, green and blue planes. */
export interface Cifar10Card extends Selection {
  readonly format: 'cifar10-binary';
  readonly files: readonly string[];
  readonly inputs: Readonly<Record<string, ImageInput | ConstantInput>>;
  readonly label?: 'record';
}

/** MNIST's format: `files` is [images] or [images, labels]. */
export interface IdxCard extends Selection {
  readonly format: 'idx';
  readonly files: readonly string[];
  readonly inputs: Readonly<Record<string, ImageInput | ConstantInput>>;
}

/** NumPy arrays whose first dimension counts the samples. Several files of an only input follow each other. */
export interface NpyCard extends Selection {
  readonly format: 'npy';
  readonly files?: readonly string[];
  readonly inputs?: Readonly<Record<string, NpyInput | ConstantInput>>;
  readonly label?: NpyLabel;
}

/** One NumPy archive with one array an input. */
export interface NpzCard extends Selection {
  readonly format: 'npz';
  readonly files: readonly string[];
  readonly inputs?: Readonly<Record<string, NpzInput | ConstantInput>>;
  /** The name of the labels' array. */
  readonly label?: string;
}

/** Folders of `input_0.pb`, `input_1.pb`, ... (TensorProto), one folder a sample, as ONNX test data has them. */
export interface OnnxTensorsCard extends Selection {
  readonly format: 'onnx-tensors';
  readonly files: readonly string[];
  /** Default: a tensor goes to the input of its name, else `input_k.pb` to the model's k-th input. */
  readonly inputs?: Readonly<Record<string, TensorFileInput | ConstantInput>>;
}

/** Made-up samples, only for smoke runs. */
export interface RandomCard extends Selection {
  readonly format: 'random';
  readonly samples: number;
  /** Default 0. */
  readonly seed?: number;
  readonly inputs: Readonly<Record<string, RandomInput | ConstantInput>>;
}

/** What the samples are and how they become a model's inputs; `inputs` is keyed by input name, `*` stands for the only one. */
export type DataCard =
  | ImagesCard
  | ImageFolderCard
  | Cifar10Card
  | IdxCard
  | NpyCard
  | NpzCard
  | OnnxTensorsCard
  | RandomCard;
