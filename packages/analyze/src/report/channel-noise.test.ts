import { DenseTensor } from '@bitwright/core';
import { expect, it } from 'vitest';
import { ChannelNoise } from './channel-noise.js';

const tensor = (dims: readonly number[], values: readonly number[]) =>
  new DenseTensor('float', dims, Float32Array.from(values));

it('tells channels apart, over batches of any size', () => {
  const noise = new ChannelNoise();
  noise.add(tensor([1, 3, 2], [1, 1, 2, 2, 0, 0]), tensor([1, 3, 2], [1, 1, 1.8, 2, 0, 0]));
  noise.add(
    tensor([2, 3, 2], [1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0]),
    tensor([2, 3, 2], [1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0.2]),
  );
  const result = noise.result!;
  expect(result.channels[0]).toBeNull();
  expect(result.channels[1]).toBeCloseTo(10 * Math.log10(24 / 0.04), 2);
  expect(result.all).toBeCloseTo(10 * Math.log10(30 / 0.08), 2);
});

it('names channels that are zero everywhere, before and behind the quantizer', () => {
  const noise = new ChannelNoise();
  noise.add(tensor([2, 3], [0, 1, 1, 0, 2, 0.1]), tensor([2, 3], [0, 1, 0, 0, 2, 0]));
  expect(noise.result).toMatchObject({ silent: [0], silenced: [0, 2] });
});

it('says nothing where nothing could be compared', () => {
  const noise = new ChannelNoise();
  noise.add(tensor([2], [1, 2]), tensor([1], [1]));
  expect(noise.result).toBeUndefined();
});
