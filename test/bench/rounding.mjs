/**
 * Rounds one large layer as the method balanced does: GPTQ, five sweeps of coordinate descent and scale refits.
 *
 *   node test/bench/rounding.mjs [--rows 512] [--columns 4608] [--bits 4] [--threads 2]
 *
 * ResNet-18's largest layers are 512 x 4608. The baseline is one product of two columns x columns matrices by the runtime, of
 * which the rounding does about as much work as two. Build first (npm run build).
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '../../packages/core/dist/index.js';
import { findRounding } from '../../packages/quantize/dist/index.js';
import { RuntimeProduct } from '../../packages/quantize/dist/sequential/runtime-product.js';
import { openOrtNode } from '../../packages/runtime/dist/index.js';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '512' },
    columns: { type: 'string', default: '4608' },
    bits: { type: 'string', default: '4' },
    threads: { type: 'string', default: '2' },
  },
});
const [rows, columns, bits, threads] = [flags.rows, flags.columns, flags.bits, flags.threads].map(Number);
const product = new RuntimeProduct((bytes, how) => openOrtNode(bytes, { ...how, threads }));
const random = seededRandom(1);
const noise = () => random() + random() + random() - 1.5;

const count = columns;
const inputs = new Float64Array(columns * count);
for (let at = 0, sample = 0; sample < count; sample++) {
  const common = noise();
  for (let k = 0; k < columns; k++, at++) inputs[at] = Math.max(0, common + noise());
}
const weights = Float64Array.from({ length: rows * columns }, () => 0.1 * noise());
const baseline = await timed('one product of the runtime', async () => {
  const gram = await product.timesTransposed(transposed(inputs), transposed(inputs), columns, count, columns);
  return gram.map((value) => value / count);
});
const gram = baseline.result;
const target = await product.times(weights, gram, rows, columns, columns);
const high = 2 ** (bits - 1) - 1;
const layer = { name: 'layer', groups: 1, rows, columns, taps: 9, weights };
const statistics = {
  gram,
  target,
  inputMean: new Float64Array(columns),
  outputMean: new Float64Array(rows),
  outputSquare: new Float64Array(rows),
  count: 8 * columns,
};
const spec = {
  low: new Int32Array(rows).fill(-high - 1),
  high: new Int32Array(rows).fill(high),
  scale: Float64Array.from({ length: rows }, (_, row) => {
    const own = weights.subarray(row * columns, (row + 1) * columns);
    return own.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / (high + 0.5);
  }),
  fixedScale: false,
};
const rounding = await timed(`${rows} x ${columns} at ${bits} bits`, () =>
  findRounding('coordinate-descent').round(layer, statistics, spec, { product }),
);
console.log(
  `ratio to the product: wall ${(rounding.wall / baseline.wall).toFixed(2)}, processor ${(rounding.cpu / baseline.cpu).toFixed(2)}`,
);
await product.release();

async function timed(name, work) {
  const [started, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const wall = (performance.now() - started) / 1000;
  const used = process.cpuUsage(before);
  const cpu = (used.user + used.system) / 1e6;
  console.log(`${name}: ${wall.toFixed(1)} s, ${cpu.toFixed(1)} s of processor time`);
  return { result, wall, cpu };
}

function transposed(matrix) {
  const turned = new Float64Array(matrix.length);
  for (let row = 0; row < count; row++)
    for (let k = 0; k < columns; k++) turned[k * count + row] = matrix[row * columns + k];
  return turned;
}
