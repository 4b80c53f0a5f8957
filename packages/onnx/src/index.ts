export { type ExternalRange, externalRange, isExternal } from './external-data.js';
export { bfloat16ToFloat32, float16ToFloat32 } from './half-float.js';
export { mapTensors, type TensorMapping } from './map-tensors.js';
export * from './messages.js';
export { canonicalBytes, decodeModel, encodeModel } from './model.js';
export { pack2, pack4, unpack2, unpack4 } from './pack-bits.js';
export { ProtoTensor } from './proto-tensor.js';
export {
  type ExternalChunk,
  type ExternalDataOptions,
  type ExternalDataSplit,
  splitExternalData,
} from './split-external-data.js';
export { decodeTensor, encodeTensor } from './tensor-file.js';
export { tensorToProto } from './tensor-to-proto.js';
export { decodeText, encodeText } from './text.js';
