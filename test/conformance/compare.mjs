/**
 * The tolerance of a model: that of the loosest class among its operators. It is relative to the largest value of an output
 * where that is above 1.
 *
 * - exact: operators that move, select or compare, and all integers: the same bits
 * - pointwise: float arithmetic of single elements: 1e-6
 * - sums: operators that add up products or elements, whose order may change and whose weights are rounded once more: 2e-5
 * - recurrent: sums that feed back: 1e-4
 * - half: anything computed in float16 or bfloat16: 4e-3
 */
export const CLASSES = { exact: 0, pointwise: 1e-6, sums: 2e-5, recurrent: 1e-4, half: 4e-3 };

const EXACT = new Set(
  `Identity Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Gather GatherND GatherElements Scatter ScatterND
  ScatterElements Expand Tile Pad Shape Size Constant ConstantOfShape Cast CastLike Relu MaxPool GlobalMaxPool ReduceMax
  ReduceMin ArgMax ArgMin Max Min Clip Abs Neg Equal Less Greater LessOrEqual GreaterOrEqual And Or Not Xor Where NonZero
  Compress TopK Sign Dropout DepthToSpace SpaceToDepth Reverse ReverseSequence Range OneHot EyeLike Unique Trilu Ceil Floor
  Round SequenceConstruct SequenceAt ConcatFromSequence Optional OptionalHasElement If Loop Scan QuantizeLinear
  DequantizeLinear BitShift Mod Upsample Hardmax`.split(/\s+/),
);

const RECURRENT = new Set(['LSTM', 'GRU', 'RNN', 'Attention']);

const POINTWISE = new Set(
  `Add Sub Mul Div Exp Log Sqrt Pow Reciprocal Sigmoid Tanh Erf Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Elu Selu
  Celu LeakyRelu PRelu HardSigmoid HardSwish Softplus Softsign ThresholdedRelu Shrink Mish Gelu Swish`.split(
    /\s+/,
  ),
);

/** The class of a captured module by its operators, bodies included. */
export function toleranceOf(module) {
  let name = 'exact';
  const worsen = (other) => {
    if (CLASSES[other] > CLASSES[name]) name = other;
  };
  for (const node of module.graph.allOps()) {
    if ([...node.inputs, ...node.outputs].some((value) => /float16/.test(value?.dtype ?? ''))) worsen('half');
    if (RECURRENT.has(node.opType)) worsen('recurrent');
    else if (POINTWISE.has(node.opType)) worsen('pointwise');
    else if (!EXACT.has(node.opType)) worsen('sums');
  }
  return { name, value: CLASSES[name] };
}

/** How two results differ; undefined when they agree. NaN agrees with NaN. */
export function differenceOf(a, b, tolerance) {
  if (Object.keys(a).join() !== Object.keys(b).join()) return `names ${Object.keys(a)} and ${Object.keys(b)}`;
  for (const [name, left] of Object.entries(a)) {
    const found = differenceOfValues(left, b[name], tolerance);
    if (found !== undefined) return `${name}: ${found}`;
  }
  return undefined;
}

function differenceOfValues(a, b, tolerance) {
  if (Array.isArray(a)) {
    if (a.length !== b.length) return `${a.length} and ${b.length} elements`;
    return a
      .map((element, i) => differenceOfValues(element, b[i], tolerance))
      .find((text) => text !== undefined);
  }
  if (a?.data === undefined) return JSON.stringify(a) === JSON.stringify(b) ? undefined : 'other values';
  if (a.type !== b.type || a.dims.join() !== b.dims.join())
    return `${a.type}[${a.dims}] and ${b.type}[${b.dims}]`;
  const isFloat = /^float(32|64)$/.test(a.type);
  let unit = 1;
  if (isFloat) for (const x of a.data) if (Number.isFinite(x)) unit = Math.max(unit, Math.abs(x));
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [a.data[i], b.data[i]];
    if (Object.is(x, y) || x === y) continue;
    if (
      a.type === 'float16' &&
      Math.abs(half(x) - half(y)) <= Math.max(tolerance, 4e-3) * Math.max(1, Math.abs(half(x)))
    )
      continue;
    if (!isFloat || !(Math.abs(x - y) <= tolerance * unit)) return `[${i}] ${x} and ${y}`;
  }
  return undefined;
}

/** The number of a float16 that the runtime hands over as raw bits. */
function half(bits) {
  if (typeof bits !== 'number' || !Number.isInteger(bits)) return Number(bits);
  const [sign, exponent, fraction] = [bits >> 15, (bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return (sign === 0 ? 1 : -1) * (exponent === 31 ? Number.POSITIVE_INFINITY : size);
}
