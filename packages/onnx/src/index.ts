import type { ByteSourceResolver, DType, Tensor, TensorData } from '@bitwright/core';
import type { ModelProto, TensorProto } from './messages.js';

export * from './messages.js';

// Signatures first: the bodies follow.
export declare function decodeModel(bytes: Uint8Array, name?: string): ModelProto;
export declare function encodeModel(model: ModelProto): Uint8Array;
export declare function canonicalBytes(model: ModelProto): Uint8Array;
export declare function decodeTensor(bytes: Uint8Array, name?: string): TensorProto;
export declare function encodeTensor(tensor: TensorProto): Uint8Array;
export declare class ProtoTensor implements Tensor {
  constructor(proto: TensorProto, resolve?: ByteSourceResolver);
  readonly proto: TensorProto;
  get name(): string;
  get dtype(): DType;
  get dims(): readonly number[];
  data(): TensorData;
}
export declare function tensorToProto(name: string, tensor: Tensor): TensorProto;
export declare function pack4(values: ArrayLike<number>, signed: boolean): Uint8Array;
export declare function unpack4(bytes: Uint8Array, count: number, signed: true): Int8Array;
export declare function unpack4(bytes: Uint8Array, count: number, signed: false): Uint8Array;
export declare function pack2(values: ArrayLike<number>, signed: boolean): Uint8Array;
export declare function unpack2(bytes: Uint8Array, count: number, signed: true): Int8Array;
export declare function unpack2(bytes: Uint8Array, count: number, signed: false): Uint8Array;
export declare function float16ToFloat32(bits: number): number;
export declare function bfloat16ToFloat32(bits: number): number;
/** `chunks` lie at multiples of 4096 in the file that `location` names; `resolve` moves tensors that are external already into it too. */
export interface ExternalDataOptions {
  readonly threshold: number;
  readonly location: string;
  readonly resolve?: ByteSourceResolver;
}
export interface ExternalChunk {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  bytes(): Uint8Array;
}
export interface ExternalDataSplit {
  readonly model: ModelProto;
  readonly chunks: readonly ExternalChunk[];
  readonly size: number;
}
export declare function splitExternalData(model: ModelProto, options: ExternalDataOptions): ExternalDataSplit;
