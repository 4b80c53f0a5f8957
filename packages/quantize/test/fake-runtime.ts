import { DenseTensor, elementCount, type Tensor } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { decodeModel } from '@bitwright/onnx';
import type { Executor, OpenExecutor } from '@bitwright/runtime';
import { sampleData } from './sample-data.js';

/** What a tensor of the fake model is for one sample: its values, or a whole tensor of another element type. */
export type FakeTensor = (sample: number) => ArrayLike<number> | Tensor;

/** One run that a fake executor was asked for. */
export interface FakeRun {
  readonly fetches: readonly string[];
  readonly samples: number;
  /** Bytes of float that were handed over. */
  readonly bytes: number;
}

/** A runtime that computes nothing: it hands over the tensors that a test describes, and notes what it was asked for. */
export class FakeRuntime {
  readonly runs: FakeRun[] = [];
  readonly opened: string[][] = [];
  released = 0;

  constructor(readonly tensors: Readonly<Record<string, FakeTensor>>) {}

  readonly open: OpenExecutor = (bytes) => {
    const { graph } = decodeModel(bytes);
    const outputNames = (graph?.output ?? []).map(({ name }) => name ?? '');
    this.opened.push(outputNames);
    const executor: Executor = {
      inputs: [{ name: 'x', dtype: 'float', shape: ['N', 1] }],
      outputNames,
      run: async (feeds, fetches = outputNames) => this.#run(feeds.get('x')!, fetches),
      release: async () => {
        this.released++;
      },
    };
    return Promise.resolve(executor);
  };

  #run(x: Tensor, fetches: readonly string[]): Map<string, Tensor> {
    const samples = Array.from(x.data() as Float32Array);
    const results = new Map(fetches.map((name) => [name, this.#tensor(name, samples)]));
    const bytes = [...results.values()].reduce((sum, { dims }) => sum + elementCount(dims) * 4, 0);
    this.runs.push({ fetches, samples: samples.length, bytes });
    return results;
  }

  #tensor(name: string, samples: readonly number[]): Tensor {
    const made = samples.map((sample) => this.tensors[name]!(sample));
    const [first] = made;
    if (first !== undefined && 'dtype' in first) return first;
    const rows = made.map((row) => Array.from(row as ArrayLike<number>));
    return new DenseTensor('float', [samples.length, rows[0]?.length ?? 0], Float32Array.from(rows.flat()));
  }
}

/** The samples 0, 1, 2, ... fed as x. */
export function fakeData(count: number): SampleSource {
  return sampleData(count, [1], (first, length) => Float32Array.from({ length }, (_, i) => first + i));
}
