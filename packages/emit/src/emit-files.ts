import type { ByteSourceResolver } from '@bitwright/core';
import type { GraphModule } from '@bitwright/graph';
import { type ExternalChunk, encodeModel, splitExternalData } from '@bitwright/onnx';
import { emitModel } from './emit-model.js';

/** How a model is written as a small file with a data file beside it. */
export interface EmitFilesOptions {
  /** The name of the data file, as the model will refer to it: a plain name, in the folder of the model. */
  readonly location: string;
  /** Tensors of at least so many bytes go to the data file; 1024 by default. */
  readonly threshold?: number;
  /** Finds the data files of the captured model, whose tensors move to the new one; without it they stay where they are. */
  readonly resolveExternal?: ByteSourceResolver;
}

/** A model and its data file, ready to be streamed out; nothing has been written yet. */
export interface EmittedFiles {
  /** The bytes of the model file. */
  readonly model: Uint8Array;
  readonly location: string;
  /** The size of the data file in bytes. */
  readonly size: number;
  /** The parts of the data file by ascending offset; what lies between them is zero. Bytes are made on demand. */
  readonly chunks: readonly ExternalChunk[];
}

/** Writes a model with its large tensors in a data file, for models beyond the 2 GB of one file. Pure: the caller writes the chunks. */
export function emitFiles(module: GraphModule, options: EmitFilesOptions): EmittedFiles {
  const { location, threshold = 1024, resolveExternal } = options;
  const split = splitExternalData(emitModel(module), {
    threshold,
    location,
    ...(resolveExternal && { resolve: resolveExternal }),
  });
  return { model: encodeModel(split.model), location, size: split.size, chunks: split.chunks };
}
