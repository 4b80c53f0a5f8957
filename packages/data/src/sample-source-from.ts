import { BitwrightError, DenseTensor, elementCount, type Tensor } from '@bitwright/core';
import type { InputSpec } from './input-spec.js';
import type { Batch, SampleSource } from './sample-source.js';

/** A sample as the API takes it: tensors, or plain floats whose shape follows from the model's input. */
export interface ApiSample {
  readonly inputs: Readonly<Record<string, Tensor | Float32Array>>;
  readonly label?: number;
}

/**
 * Makes a sample source from the samples of the API. They are fed one at a time, and must be readable more than once:
 * an array, or an object that gives a new iterator each time.
 *
 * @throws DATA_INPUT_NAME for a sample that misses an input.
 */
export function sampleSourceFrom(
  samples: AsyncIterable<ApiSample> | Iterable<ApiSample>,
  inputs: readonly InputSpec[],
  options: { readonly name?: string } = {},
): SampleSource {
  const name = options.name ?? 'the samples';
  return {
    name,
    count: Array.isArray(samples) ? samples.length : undefined,
    hasLabels: true,
    synthetic: false,
    diagnostics: [],
    async *batches(): AsyncGenerator<Batch, void, void> {
      let first = 0;
      for await (const sample of samples) {
        const tensors = new Map(inputs.map((spec) => [spec.name, tensorOf(sample, spec, name, first)]));
        yield { inputs: tensors, labels: [sample.label], size: 1, first };
        first++;
      }
    },
  };
}

function tensorOf(sample: ApiSample, spec: InputSpec, name: string, index: number): Tensor {
  const given = sample.inputs[spec.name];
  if (given === undefined) {
    throw new BitwrightError({
      code: 'DATA_INPUT_NAME',
      message: `Sample ${index} of ${name} has no input '${spec.name}'.`,
      hint: `A sample gives each of the model's inputs by its name.`,
      at: { value: spec.name },
    });
  }
  if (!(given instanceof Float32Array)) return given;
  const dims = (spec.shape ?? [given.length]).map((dim) => (typeof dim === 'number' ? dim : 1));
  if (elementCount(dims) === given.length) return new DenseTensor('float', dims, given);
  throw new BitwrightError({
    code: 'DATA_SHAPE',
    message: `Sample ${index} of ${name} gives ${given.length} elements for input '${spec.name}', which takes ${elementCount(dims)} ([${dims.join(', ')}]).`,
    hint: 'Give a tensor with its own shape, or as many elements as one sample has.',
    at: { value: spec.name },
  });
}
