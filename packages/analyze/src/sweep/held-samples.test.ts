import { DenseTensor } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readShards, type Shard, sourceOfShard } from './held-samples.js';

/** Samples of two numbers, `index` and `index + 0.5`, each labelled with its index. */
function numbers(count: number): SampleSource {
  return {
    name: 'numbers',
    count,
    hasLabels: true,
    synthetic: false,
    diagnostics: [],
    async *batches(batchSize) {
      for (let first = 0; first < count; first += batchSize) {
        const labels = Array.from({ length: Math.min(batchSize, count - first) }, (_, i) => first + i);
        const data = Float32Array.from(labels.flatMap((index) => [index, index + 0.5]));
        const inputs = new Map([['x', new DenseTensor('float', [labels.length, 2], data)]]);
        yield { inputs, labels, size: labels.length, first };
      }
    },
  };
}

async function shardsOf(source: SampleSource, batchSize: number, bytes: number): Promise<Shard[]> {
  const shards: Shard[] = [];
  for await (const shard of readShards(source, batchSize, bytes)) shards.push(shard);
  return shards;
}

it('cuts the samples into shards and gives them again in batches of any size', async () => {
  const size = fc.integer({ min: 1, max: 9 });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      size,
      size,
      fc.integer({ min: 8, max: 200 }),
      async (count, held, asked, bytes) => {
        const source = numbers(count);
        const shards = await shardsOf(source, held, bytes);
        let next = 0;
        for (const shard of shards) {
          expect(shard.first).toBe(next);
          const end = next + shard.count;
          for await (const batch of sourceOfShard(shard, source).batches(asked)) {
            expect(batch.first).toBe(next);
            expect(batch.size).toBe(Math.min(asked, end - next));
            const data = Array.from(batch.inputs.get('x')!.data() as Float32Array);
            expect(data).toEqual(batch.labels.flatMap((label) => [label!, label! + 0.5]));
            expect(batch.labels[0]).toBe(next);
            next += batch.size;
          }
          expect(next).toBe(end);
        }
        expect(next).toBe(count);
      },
    ),
  );
});

it('digests the content', async () => {
  const [whole] = await shardsOf(numbers(10), 4, 1e6);
  const [again] = await shardsOf(numbers(10), 4, 1e6);
  const [fewer] = await shardsOf(numbers(9), 4, 1e6);
  expect(again!.id).toBe(whole!.id);
  expect(fewer!.id).not.toBe(whole!.id);
});
