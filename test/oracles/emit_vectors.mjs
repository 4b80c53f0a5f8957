/**
 * Prints, as JSON, what the built `@bitwright/core` makes of tensors that are rich in ties, on grids of every width:
 * `[{ dims, x, scale, zeroPoint, quantMin, quantMax, axis?, torch, onnx }]`, every number exactly a float32.
 */
import { fakeQuantizeTensor, quantGrid, seededRandom } from '@bitwright/core';

const WIDTHS = [2, 3, 4, 5, 6, 7, 8, 16];
const DIMS = [3, 4, 50];
const random = seededRandom(7);

const vectors = [];
for (const bits of WIDTHS) {
  for (const signed of [true, false]) {
    for (const axis of [undefined, 0, 1]) vectors.push(vector(bits, signed, axis));
  }
}
console.log(JSON.stringify(vectors));

function vector(bits, signed, axis) {
  const grid = quantGrid(bits, signed);
  const channels = axis === undefined ? 1 : DIMS[axis];
  const span = grid.quantMax - grid.quantMin;
  const scale = Float32Array.from({ length: channels }, () => 0.001 + random() * 0.3);
  const zeroPoint = Int32Array.from({ length: channels }, () => grid.quantMin + Math.floor(random() * span));
  const x = tieRichTensor(scale, axis, span);
  const qparams = { ...grid, scale, zeroPoint, ...(axis !== undefined && { axis }) };
  return {
    dims: DIMS,
    x: [...x],
    scale: [...scale],
    zeroPoint: [...zeroPoint],
    quantMin: grid.quantMin,
    quantMax: grid.quantMax,
    ...(axis !== undefined && { axis }),
    torch: [...fakeQuantizeTensor(x, DIMS, qparams, 'torch')],
    onnx: [...fakeQuantizeTensor(x, DIMS, qparams, 'onnx')],
  };
}

/** Half of the values lie on multiples of half a step, where the two definitions and any rounding mistake differ. */
function tieRichTensor(scale, axis, span) {
  const [, columns, inner] = DIMS;
  return Float32Array.from({ length: DIMS[0] * columns * inner }, (_, i) => {
    const row = Math.floor(i / (columns * inner));
    const column = Math.floor(i / inner) % columns;
    const step = scale[axis === undefined ? 0 : axis === 0 ? row : column];
    const steps = (random() - 0.5) * 2.5 * span;
    return (i % 2 === 0 ? Math.round(steps * 2) / 2 : steps) * step;
  });
}
