import { DenseTensor, seededRandom, type Tensor } from '@bitwright/core';
import { openOrtNode } from '@bitwright/runtime';
import {
  type HardwareConfig,
  type IntegerNetwork,
  interpret,
  lowerNetwork,
  NoiseFeed,
  openSimulated,
  resolveAnalog,
} from '@bitwright/simulate';
import { expect, test } from 'vitest';
import { RandomNetwork } from './random-network.js';

const SUM_NOISE: HardwareConfig = {
  name: 'sum noise',
  accumulator: { bits: 24, overflow: 'saturate', at: 'tile' },
  tile: { size: 7 },
  adc: { bits: 9 },
  noise: [
    { place: 'sum', kind: 'full-scale', sigma: 0.02 },
    { place: 'sum', kind: 'full-scale', sigma: 0.01, at: 'after-adc' },
  ],
};

function inputOf(network: IntegerNetwork, seed: number): { dims: number[]; data: Float32Array } {
  const dims = [2, ...network.inputs[0]!.shape!.slice(1)] as number[];
  const uniform = seededRandom(seed);
  const count = dims.reduce((product, dim) => product * dim, 1);
  return { dims, data: Float32Array.from({ length: count }, () => (uniform() - 0.5) * 20) };
}

function drawn(seed: number, hardware: HardwareConfig): IntegerNetwork {
  const digital = lowerNetwork(new RandomNetwork(seed).module(4), { hardware });
  return resolveAnalog(digital, new Map());
}

async function run(
  network: IntegerNetwork,
  seed: number,
  input: { dims: number[]; data: Float32Array },
  rows: [number, number][],
) {
  const feed = new NoiseFeed(network, seed);
  const reference = interpret(network, new Map([['x', input]]), { feed, first: 0 });
  const shapes = new Map(
    network.steps.flatMap((step) =>
      step.kind === 'dot'
        ? [
            [
              step.output,
              {
                inputs: reference.values.get(step.input)!.dims.slice(1),
                sum: reference.accumulators.get(step.output)!.dims.slice(1),
              },
            ] as const,
          ]
        : [],
    ),
  );
  const executor = await openSimulated(network, { open: openOrtNode, feed, shapes, statistics: false });
  const size = input.data.length / input.dims[0]!;
  const parts: Tensor[] = [];
  for (const [first, last] of rows) {
    const data = input.data.slice(first * size, last * size);
    const fed = new DenseTensor('float', [last - first, ...input.dims.slice(1)], data);
    parts.push((await executor.run(new Map([['x', fed]]))).get(network.outputs[0]!.name)!);
  }
  await executor.release();
  const emitted = parts.flatMap((part) => Array.from(part.data() as Float32Array));
  return { emitted, interpreted: Array.from(reference.values.get(network.outputs[0]!.value)!.data) };
}

test('noise on sums: interpreter and emitted model agree on every bit, in any batches', async () => {
  for (let seed = 0; seed < 25; seed++) {
    const network = drawn(seed, SUM_NOISE);
    const input = inputOf(network, seed);
    const whole = await run(network, 5, input, [[0, 2]]);
    expect(whole.emitted).toEqual(whole.interpreted);
    const single = await run(network, 5, input, [
      [0, 1],
      [1, 2],
    ]);
    expect(single.emitted).toEqual(whole.emitted);
  }
});

test('noise on weights and inputs: a sum in float32 differs from one in float64 by little', async () => {
  const hardware: HardwareConfig = {
    name: 'operands',
    dac: { bits: 6 },
    noise: [
      { place: 'weights', kind: 'additive', sigma: 0.02 },
      { place: 'weights', kind: 'proportional', sigma: 0.02 },
      { place: 'inputs', kind: 'additive', sigma: 0.02, at: 'before-dac' },
      { place: 'inputs', kind: 'proportional', sigma: 0.02 },
    ],
  };
  let different = 0;
  let total = 0;
  for (let seed = 0; seed < 25; seed++) {
    const network = drawn(seed, hardware);
    const { emitted, interpreted } = await run(network, 3, inputOf(network, seed), [[0, 2]]);
    for (const [i, value] of emitted.entries()) if (value !== interpreted[i]) different++;
    total += emitted.length;
  }
  expect(total).toBeGreaterThan(100);
  expect(different / total).toBeLessThan(0.02);
});

test('another seed gives another result, and without noise an analog core with a fine ADC is exact', async () => {
  const network = drawn(11, SUM_NOISE);
  const input = inputOf(network, 1);
  const values = (seed: number): ArrayLike<number> => {
    const { accumulators } = interpret(network, new Map([['x', input]]), {
      feed: new NoiseFeed(network, seed),
      first: 0,
    });
    return [...accumulators.values()][0]!.data;
  };
  expect(values(1)).not.toEqual(values(2));
  const silent = drawn(11, {
    name: 'silent',
    tile: { size: 7 },
    dac: { bits: 8 },
    noise: [{ place: 'sum', kind: 'full-scale', sigma: 0 }],
  });
  const exact = lowerNetwork(new RandomNetwork(11).module(4), { hardware: { name: 'digital' } });
  const feed = new NoiseFeed(silent, 1);
  const analog = interpret(silent, new Map([['x', input]]), { feed, first: 0 });
  const digital = interpret(exact, new Map([['x', input]]));
  for (const [output, sums] of digital.accumulators)
    expect(analog.accumulators.get(output)!.data).toEqual(sums.data);
});
