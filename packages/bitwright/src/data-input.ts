import {
  type DataServices,
  type InputSpec,
  type OpenDataOptions,
  openData,
  openDataCard,
  type SampleSource,
  sampleSourceFrom,
} from '@bitwright/data';
import { decodeTensor, ProtoTensor } from '@bitwright/onnx';
import type { DataInput } from './quantize-options.js';

const services: DataServices = { decodeTensor: (bytes, path) => new ProtoTensor(decodeTensor(bytes, path)) };

/** Opens whatever a caller gave as data: a card's path, a card, a source, or samples. */
export async function openDataInput(
  data: DataInput,
  inputs: readonly InputSpec[],
  options: OpenDataOptions = {},
): Promise<SampleSource> {
  if (typeof data === 'string') return openDataCard(data, inputs, { ...options, ...services });
  if ('batches' in data) return data;
  if (Symbol.asyncIterator in data || Symbol.iterator in data) return sampleSourceFrom(data, inputs);
  return openData(data, inputs, { ...options, ...services, baseFolder: '.' });
}
