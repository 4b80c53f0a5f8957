/**
 * Prints, as JSON, what the built `@bitwright/quantize` makes of streams of samples and of weights:
 * `{ streams: [{ name, samples, grids: [{ bits, symmetric, results: { observer: { scale, zeroPoint } } }] }],
 *    weights: [{ dims, values, axis, results: { symmetric, affine } }] }`.
 */
import { floatTensor, quantGrid, rangeToQParams, seededRandom } from '@bitwright/core';
import { findObserver, GrowingStatistics, weightQParams } from '@bitwright/quantize';

const OBSERVERS = ['min-max', 'moving-average', 'torch-histogram'];
const SAMPLES = 24;
const VALUES = 500;

const random = seededRandom(11);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const streams = {
  normal: () => normal(),
  rectified: () => Math.max(0, normal() * 3),
  'heavy tails': () => normal() / (0.05 + random()),
  shifted: () => 5 + normal(),
  negative: () => -Math.abs(normal()) * 0.01,
  'growing range': (sample) => normal() * (1 + sample),
  'first all equal': (sample) => (sample === 0 ? 0.25 : normal()),
  'always equal': () => 1.5,
};

console.log(
  JSON.stringify({
    streams: Object.entries(streams).map(([name, draw]) => stream(name, draw)),
    weights: [weight([8, 3, 3, 3], 0), weight([6, 10], 1)],
  }),
);

function stream(name, draw) {
  const samples = Array.from({ length: SAMPLES }, (_, sample) =>
    Float32Array.from({ length: VALUES }, () => draw(sample)),
  );
  const grids = [
    [8, false],
    [8, true],
    [4, false],
  ].map(([bits, symmetric]) => ({ bits, symmetric, results: observe(samples, bits, symmetric) }));
  return { name, samples: samples.map((sample) => [...sample]), grids };
}

function observe(samples, bits, symmetric) {
  const grid = quantGrid(bits, symmetric);
  const choice = { grid, symmetric, powerOfTwo: false };
  const results = OBSERVERS.map((name) => {
    const observer = findObserver(name);
    const statistics = new GrowingStatistics();
    for (const sample of samples) statistics.add(floatTensor(sample), 1, observer.needs);
    const { low, high } = observer.range(statistics, choice);
    return [name, rangeToQParams(low, high, grid, choice)];
  });
  return Object.fromEntries(results);
}

function weight(dims, axis) {
  const values = Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, normal);
  const qparams = (symmetric) => {
    const { scale, zeroPoint } = weightQParams(values, dims, axis, quantGrid(8, true), {
      search: 'min-max',
      symmetric,
      powerOfTwo: false,
    });
    return { scale: [...scale], zeroPoint: [...zeroPoint] };
  };
  return { dims, axis, values: [...values], results: { symmetric: qparams(true), affine: qparams(false) } };
}
