export type {
  Cifar10Card,
  ConstantInput,
  CsvLabel,
  DataCard,
  FileChoice,
  FileNameLabel,
  IdxCard,
  ImageFolderCard,
  ImageInput,
  ImagesCard,
  NpyCard,
  NpyInput,
  NpyLabel,
  NpzCard,
  NpzInput,
  OnnxTensorsCard,
  RandomCard,
  RandomInput,
  Selection,
} from './data-card.js';
export type { DecodeTensor, NamedTensor } from './data-host.js';
export type { InputSpec } from './input-spec.js';
export { openData, openDataCard } from './node/open-data.js';
export type { Batch, DataServices, OpenDataOptions, SampleSource } from './sample-source.js';
export { type ApiSample, sampleSourceFrom } from './sample-source-from.js';
