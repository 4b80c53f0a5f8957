import { BitwrightError, type DType, seededRandom } from '@bitwright/core';
import { type Elements, elementKind, isFloatType } from '../arrays/elements.js';
import { statedShape } from '../constant-inputs.js';
import type { RandomCard, RandomInput } from '../data-card.js';
import { type Feed, newSlot } from '../feed.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';

/**
 * Makes up samples for smoke runs. Each element depends on the seed, the input and the sample's index alone, so a selection
 * never changes a sample.
 *
 * @throws DATA_SHAPE when the model leaves a shape open that the card doesn't give, DATA_INEXACT when the bounds do not fit
 *   the input's type.
 */
export async function openRandom(
  card: RandomCard,
  inputs: readonly MatchedInput<RandomInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const feeds = inputs.map(({ spec, from }): Feed => {
    checkBounds(spec.name, spec.dtype, from, context.card);
    return { spec, sample: statedShape(spec, from.shape, context.card), mode: 'whole' };
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
          const index = order[position]!;
          position += size;
          const slots = feeds.map((feed, i) => {
            const slot = newSlot(feed, size);
            fill(slot.data, feed.spec.dtype, inputs[i]!.from, sampleSeed(card.seed ?? 0, index, i), feed.spec.name);
            return slot;
          });
          return {
            inputs: new Map(slots.map((slot, i) => [feeds[i]!.spec.name, slot.tensor])),
            labels: new Array<undefined>(size).fill(undefined),
          };
        },
      };
    },
  };
}

function fill(out: Elements, dtype: DType, { low, high }: RandomInput, seed: number, name: string): void {
  const random = seededRandom(seed);
  const { encode } = elementKind(dtype, name);
  const whole = !isFloatType(dtype);
  for (let i = 0; i < out.length; i++) {
    const value = whole
      ? Math.ceil(low) + Math.floor(random() * (Math.floor(high) - Math.ceil(low) + 1))
      : low + random() * (high - low);
    out[i] = encode(value)!;
  }
}

function checkBounds(name: string, dtype: DType, { low, high }: RandomInput, card: string): void {
  const { encode } = elementKind(dtype, name);
  const whole = !isFloatType(dtype);
  const first = whole ? Math.ceil(low) : low;
  const last = whole ? Math.floor(high) : high;
  if (first <= last && encode(first) !== undefined && encode(last) !== undefined) return;
  throw new BitwrightError({
    code: 'DATA_INEXACT',
    message: `Random values from ${low} to ${high} for input '${name}' do not fit the model's type ${dtype}, or there are none.`,
    hint: 'Give a low and a high that the type can hold, the low one first.',
    at: { file: card, value: name, option: `inputs.${name}.low` },
  });
}

/** Mixes the three numbers so that neighbouring samples have unrelated streams. */
function sampleSeed(seed: number, index: number, input: number): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) ^ Math.imul(input + 1, 0x27d4eb2f);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
