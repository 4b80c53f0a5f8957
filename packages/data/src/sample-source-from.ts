import type { Tensor } from '@bitwright/core';
import type { InputSpec } from './input-spec.js';
import type { SampleSource } from './sample-source.js';

/** A sample as the API takes it: tensors, or plain floats whose shape follows from the model's input. */
export interface ApiSample {
  readonly inputs: Readonly<Record<string, Tensor | Float32Array>>;
  readonly label?: number;
}

/** Makes a sample source from the samples of the API. Signature published first; the body follows. */
export function sampleSourceFrom(
  samples: AsyncIterable<ApiSample> | Iterable<ApiSample>,
  inputs: readonly InputSpec[],
  options: { readonly name?: string } = {},
): SampleSource {
  throw new Error(`not built yet ${String(samples)} ${inputs.length} ${options.name ?? ''}`);
}
