import { seededRandom } from '@bitwright/core';
import { statedShape } from '../constant-inputs.js';
import type { RandomCard, RandomInput } from '../data-card.js';
import { newSlot, planFeed } from '../feed.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';

/** Made-up samples, each from a seed of its own, so that neither order nor batch size changes them. */
export function openRandom(
  card: RandomCard,
  inputs: readonly MatchedInput<RandomInput>[],
  context: ReaderContext,
): SampleReader {
  const feeds = inputs.map(({ spec, from }) => {
    const shape =
      from.shape ??
      (typeof spec.shape?.[0] === 'number' ? statedShape(spec, undefined, context.card) : undefined);
    return planFeed(
      spec,
      shape ??
        statedShape({ ...spec, ...(spec.shape && { shape: spec.shape.slice(1) }) }, undefined, context.card),
      'The card',
    );
  });
  return {
    count: card.samples,
    feeds,
    hasLabels: false,
    synthetic: true,
    describe: (index) => `random sample ${index}`,
    start(order) {
      let position = 0;
      return {
        next(size) {
          const slots = feeds.map((feed) => newSlot(feed, size));
          for (let at = 0; at < size; at++) {
            const random = seededRandom((card.seed ?? 0) * 1_000_003 + order[position + at]!);
            for (const [i, { data, stride }] of slots.entries()) {
              const { low, high } = inputs[i]!.from;
              const draw = (): number => low + random() * (high - low);
              for (let j = at * stride; j < (at + 1) * stride; j++) {
                if (data instanceof BigInt64Array || data instanceof BigUint64Array)
                  data[j] = BigInt(Math.floor(draw()));
                else
                  data[j] =
                    data instanceof Float32Array || data instanceof Float64Array
                      ? draw()
                      : Math.floor(draw());
              }
            }
          }
          position += size;
          const tensors = new Map(slots.map((slot, i) => [feeds[i]!.spec.name, slot.tensor]));
          return { inputs: tensors, labels: new Array<undefined>(size).fill(undefined) };
        },
      };
    },
  };
}
