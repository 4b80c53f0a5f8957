import { type ByteSourceResolver, dtypeOfCode } from '@bitwright/core';
import { isExternal } from './external-data.js';
import { mapTensors } from './map-tensors.js';
import { DATA_LOCATION, type ModelProto, type TensorProto } from './messages.js';
import { ProtoTensor } from './proto-tensor.js';

/** Which tensors leave the model's file, and where to. */
export interface ExternalDataOptions {
  /** Initializers of at least so many bytes leave; Infinity keeps all inside. */
  readonly threshold: number;
  /** The name of the data file as the model will say it: relative to the model's folder. */
  readonly location: string;
  /**
   * Opens the files of tensors that are external already. With it those move too, into `location` or (below the
   * threshold) into the model, so that the result depends on no old file; without it they stay where they are.
   */
  readonly resolve?: ByteSourceResolver;
}

/** One tensor's bytes in the data file. */
export interface ExternalChunk {
  /** The tensor's name. */
  readonly name: string;
  /** In bytes, a multiple of 4096; the gap in front is zeros. */
  readonly offset: number;
  readonly length: number;
  /**
   * The bytes; read only now when they lie in another file, so hold one chunk at a time.
   *
   * @throws what {@link ProtoTensor.rawBytes} throws.
   */
  bytes(): Uint8Array;
}

/** A model that refers to a data file, and what that file holds. */
export interface ExternalDataSplit {
  readonly model: ModelProto;
  /** In ascending order of offset. */
  readonly chunks: readonly ExternalChunk[];
  /** The data file's size in bytes; 0 when no tensor left. */
  readonly size: number;
}

/** Offsets are multiples of the page size, so that runtimes can map the file (ONNX docs/ExternalData.md). */
const ALIGNMENT = 4096;

/**
 * Moves large initializers, those of subgraphs and training graphs too, into a data file. Writes nothing itself.
 *
 * Tensors in attributes, sparse tensors and strings stay inside, because runtimes do not read them from elsewhere;
 * the given model is not changed.
 *
 * @throws TENSOR_DIMS; what {@link ProtoTensor.rawBytes} throws for an external tensor that moves inside.
 */
export function splitExternalData(model: ModelProto, options: ExternalDataOptions): ExternalDataSplit {
  const chunks: ExternalChunk[] = [];
  let size = 0;
  const place = (proto: TensorProto, length: number, bytes: () => Uint8Array): TensorProto => {
    const offset = Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    chunks.push({ name: proto.name ?? '', offset, length, bytes });
    size = offset + length;
    return externalized(proto, options.location, offset, length);
  };
  const moved = mapTensors(model, (proto, isInitializer) => {
    const external = isExternal(proto);
    if (external ? options.resolve === undefined : !isInitializer || !canMove(proto)) return proto;
    const tensor = new ProtoTensor(proto, options.resolve);
    const length = tensor.byteLength;
    if (length >= options.threshold) return place(proto, length, () => tensor.rawBytes());
    return external ? internalized(proto, tensor.rawBytes()) : proto;
  });
  return { model: moved, chunks, size };
}

function canMove({ dataType }: TensorProto): boolean {
  const dtype = dtypeOfCode(dataType ?? 0);
  return dtype !== undefined && dtype !== 'string';
}

function externalized(proto: TensorProto, location: string, offset: number, length: number): TensorProto {
  return {
    ...withoutData(proto),
    dataLocation: DATA_LOCATION.external,
    externalData: [
      { key: 'location', value: location },
      { key: 'offset', value: `${offset}` },
      { key: 'length', value: `${length}` },
    ],
  };
}

function internalized(proto: TensorProto, rawData: Uint8Array): TensorProto {
  return { ...withoutData(proto), rawData };
}

function withoutData(proto: TensorProto): TensorProto {
  const {
    rawData,
    floatData,
    int32Data,
    int64Data,
    doubleData,
    uint64Data,
    externalData,
    dataLocation,
    ...rest
  } = proto;
  return rest;
}
