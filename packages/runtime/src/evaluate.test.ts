import { DenseTensor, type Tensor } from '@bitwright/core';
import type { Batch, SampleSource } from '@bitwright/data';
import { expect, it } from 'vitest';
import { evaluate } from './evaluate.js';
import type { Executor } from './executor.js';
import { indexOfLargest } from './logits.js';

/** Samples 0, 1, 2, ... with the labels that are given. */
function data(labels: readonly (number | undefined)[]): SampleSource {
  return {
    name: 'card.json',
    count: labels.length,
    hasLabels: true,
    synthetic: false,
    diagnostics: [],
    async *batches(batchSize) {
      for (let first = 0; first < labels.length; first += batchSize) {
        const own = labels.slice(first, first + batchSize);
        const x = Float32Array.from(own, (_, i) => first + i);
        const inputs = new Map<string, Tensor>([['x', new DenseTensor('float', [own.length, 1], x)]]);
        const batch: Batch = { inputs, labels: own, size: own.length, first };
        yield batch;
      }
    },
  };
}

/** A model that gives each sample the row of logits that is said for it. */
function executor(rows: readonly (readonly number[])[], outputNames = ['logits']): Executor {
  return {
    inputs: [{ name: 'x', dtype: 'float', shape: ['N', 1] }],
    outputNames,
    run: async (feeds, fetches = outputNames) => {
      const samples = Array.from(feeds.get('x')!.data() as Float32Array);
      const logits = samples.flatMap((sample) => rows[sample]!);
      const tensor = new DenseTensor('float', [samples.length, rows[0]!.length], Float32Array.from(logits));
      return new Map(fetches.map((name) => [name, tensor]));
    },
    release: async () => undefined,
  };
}

const ROWS = [
  [9, 1, 2, 3, 4, 5, 6],
  [0, 9, 2, 3, 4, 5, 6],
  [0, 1, 9, 3, 4, 5, 6],
  [0, 1, 2, 9, 4, 5, 6],
];

it('counts the largest logits at their labels, and labels among the five largest', async () => {
  const found = await evaluate(executor(ROWS), data([0, 1, 3, 0]));
  // the label of sample 2 has rank five, that of sample 3 the last
  expect(found).toMatchObject({ metric: 'top1', correct: 2, top5: 3, total: 4 });
  expect(found).not.toHaveProperty('agreement');
  expect(found.seconds).toBeGreaterThanOrEqual(0);
});

it('gives the same counts for any batch size', async () => {
  const counts = [];
  for (const batchSize of [1, 2, 3, 4, 100]) {
    const { correct, top5, agreement, total } = await evaluate(executor(ROWS), data([0, 1, 3, 0]), {
      batchSize,
      reference: executor(ROWS.toReversed()),
    });
    counts.push([correct, top5, agreement, total]);
  }
  expect(new Set(counts.map(String))).toEqual(new Set(['2,3,0,4']));
});

it('counts where it agrees with a reference, whatever the labels', async () => {
  const reference = executor([ROWS[0]!, ROWS[1]!, ROWS[0]!, ROWS[3]!], ['out']);
  expect(await evaluate(executor(ROWS), data([6, 6, 6, 6]), { reference })).toMatchObject({
    agreement: 3,
    correct: 0,
  });
});

it('has no top five below six classes', async () => {
  expect(await evaluate(executor([[1, 2, 3, 4, 5]]), data([4]))).not.toHaveProperty('top5');
  expect(await evaluate(executor([[1, 2, 3, 4, 5, 6]]), data([0]))).toMatchObject({ top5: 0 });
});

it('takes the first of equal logits', async () => {
  expect(indexOfLargest([0, 5, 5, 1], 0, 4)).toBe(1);
  expect(indexOfLargest([9, 9, 0, 1, 7], 2, 3)).toBe(2);
  const ties = executor([[1, 1, 1, 1, 1, 1]]);
  expect(await evaluate(ties, data([0]))).toMatchObject({ correct: 1, top5: 1 });
  expect(await evaluate(ties, data([5]))).toMatchObject({ correct: 0, top5: 0 });
});

it('wants a label for every sample, and says which has none', async () => {
  await expect(evaluate(executor(ROWS), data([0, 1, undefined, 3]), { batchSize: 2 })).rejects.toThrow(
    expect.objectContaining({ code: 'DATA_LABELS_MISSING', message: expect.stringContaining('Sample 2') }),
  );
});

it('wants to know which output holds the logits', async () => {
  const two = executor(ROWS, ['logits', 'features']);
  await expect(evaluate(two, data([0]))).rejects.toThrow(
    expect.objectContaining({
      code: 'EVALUATE_OUTPUT',
      message: expect.stringContaining('logits, features'),
    }),
  );
  await expect(evaluate(two, data([0]), { output: 'logit' })).rejects.toThrow(
    expect.objectContaining({ code: 'EVALUATE_OUTPUT', hint: "Did you mean 'logits'?" }),
  );
  expect(await evaluate(two, data([0]), { output: 'logits' })).toMatchObject({ correct: 1 });
});

it('refuses an output that does not hold rows of floats', async () => {
  const answering = (tensor: Tensor): Executor => ({
    ...executor(ROWS),
    run: async () => new Map([['logits', tensor]]),
  });
  const wrong = [
    new DenseTensor('int64', [2, 1], BigInt64Array.of(0n, 1n)),
    new DenseTensor('float', [3], new Float32Array(3)),
  ];
  for (const tensor of wrong)
    await expect(evaluate(answering(tensor), data([0, 1]))).rejects.toThrow(
      expect.objectContaining({ code: 'EVALUATE_OUTPUT', at: { option: '--output' } }),
    );
});

it('tells how far it is, and stops when asked to', async () => {
  const steps: unknown[] = [];
  await evaluate(executor(ROWS), data([0, 1, 2, 3]), {
    batchSize: 3,
    onProgress: (done, total) => void steps.push([done, total]),
  });
  expect(steps).toEqual([
    [3, 4],
    [4, 4],
  ]);
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(evaluate(executor(ROWS), data([0]), { signal })).rejects.toThrow('stop');
});
