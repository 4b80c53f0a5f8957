// How fast emitted integer networks run: images for each second of processor time, and that time against the quantized file's own,
// which is counted in the same run. The last two lines compare an analog core with and without noise.
// usage: node test/bench/simulate.mjs QUANTIZED.onnx EVALUATION_CARD CALIBRATION_CARD [IMAGES]
import { evaluateModels, simulateModel } from 'bitwright';

const [model, evaluation, data, images = '500'] = process.argv.slice(2);
if (data === undefined)
  throw new Error(
    'usage: node test/bench/simulate.mjs QUANTIZED.onnx EVALUATION_CARD CALIBRATION_CARD [IMAGES]',
  );
const samples = Number(images);

/** Processor seconds of one run, and of the part of it that does not depend on the number of samples. */
async function cost(run) {
  const seconds = async (count) => {
    const before = process.cpuUsage();
    await run(count);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  const few = await seconds(8);
  return Math.max((await seconds(samples + 8)) - few, 1e-3);
}

const end = { bits: 32, overflow: 'wrap', at: 'end' };
const tiles = { tile: { size: 64, order: 'channel-first' } };
const analog = { ...tiles, adc: { bits: 10, range: { kind: 'calibrated' } } };
const DEVICES = [
  { name: 'float requantization', accumulator: end, requantize: { kind: 'float' } },
  {
    name: 'fixed point, gemmlowp',
    accumulator: end,
    requantize: { kind: 'fixed-point', rounding: 'double' },
  },
  {
    name: 'fixed point, one rounding',
    accumulator: end,
    requantize: { kind: 'fixed-point', rounding: 'single' },
  },
  { name: 'power of two', accumulator: end, requantize: { kind: 'power-of-two' } },
  { name: 'thresholds', accumulator: end, requantize: { kind: 'thresholds' } },
  { name: '16 bits, wrapping at the end', accumulator: { ...end, bits: 16 }, requantize: { kind: 'float' } },
  {
    name: '16 bits, saturating tiles of 64',
    accumulator: { bits: 16, overflow: 'saturate', at: 'tile' },
    ...tiles,
    requantize: { kind: 'float' },
  },
  { name: 'analog tiles of 64, silent', ...analog },
  { name: 'analog tiles of 64, noise', ...analog, noise: [{ place: 'sum', kind: 'enob', bits: 6 }] },
];

const own = await cost((count) => evaluateModels([model], { data: evaluation, samples: count }));
console.log(`${'the quantized file'.padEnd(34)} ${(samples / own).toFixed(0).padStart(5)} images / cpu s`);
for (const hardware of DEVICES) {
  const taken = await cost((count) =>
    simulateModel(model, { hardware, evaluation, data, samples: count, noiseSamples: 0 }),
  );
  console.log(
    `${hardware.name.padEnd(34)} ${(samples / taken).toFixed(0).padStart(5)} images / cpu s, ${(taken / own).toFixed(1)} times the file's`,
  );
}
