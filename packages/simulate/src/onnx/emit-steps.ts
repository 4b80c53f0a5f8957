import { DenseTensor } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import { paddingOf } from '../interpreter/run-move.js';
import type {
  AddStep,
  AverageStep,
  Grid,
  MaxPoolStep,
  MoveStep,
  MultiplyStep,
  SoftmaxStep,
  TableStep,
} from '../network/integer-network.js';
import { rangeBound } from '../network/worst-case.js';
import { inDoubles } from '../requantize/double-rounding.js';
import type { FixedPoint } from '../requantize/requantizer.js';
import type { OnnxBuilder } from './builder.js';
import { type Codes, carrierOf, shiftOf } from './codes.js';
import type { EmittedSums } from './emit-dot.js';
import { emitDoubles } from './emit-fixed-point.js';
import { emitOverflow } from './emit-overflow.js';
import { emitRequantizer } from './emit-requantizer.js';

const scalar = (): readonly number[] => [];

/** Codes minus their zero point, in int32. */
export function centred(builder: OnnxBuilder, codes: Codes, grid: Grid): Value {
  const wide = codes.carrier === 'int32' ? codes.value : builder.cast(codes.value, 'int32');
  const zero = grid.zeroPoint + codes.shift;
  return zero === 0 ? wide : builder.op('Sub', [wide, builder.int32(zero)]);
}

/** Whole numbers (code + shift, of any type) as codes of a grid, in its carrier. */
export function carried(builder: OnnxBuilder, shifted: Value, grid: Grid): Codes {
  const carrier = carrierOf(grid);
  return { value: builder.cast(shifted, carrier), carrier, shift: shiftOf(grid) };
}

/** Writes a sum of two tensors of codes. */
export function emitAdd(builder: OnnxBuilder, step: AddStep, a: Codes, b: Codes): Codes {
  const { adder, grid } = step;
  const x = centred(builder, a, step.grids[0]);
  const y = centred(builder, b, step.grids[1]);
  const join = step.subtract ? 'Sub' : 'Add';
  const shift = shiftOf(grid);
  if (adder.kind === 'float') {
    const first = builder.op('Mul', [builder.cast(x, 'float'), builder.float(adder.first)]);
    const second = builder.op('Mul', [builder.cast(y, 'float'), builder.float(adder.second)]);
    const rounded = builder.op('Round', [builder.op(join, [first, second])]);
    const code = builder.op('Add', [rounded, builder.float(grid.zeroPoint + shift)]);
    const held = builder.op('Clip', [
      code,
      builder.float(step.low + shift),
      builder.float(step.high + shift),
    ]);
    return carried(builder, held, grid);
  }
  const negated = step.subtract ? builder.op('Neg', [y]) : y;
  const range = { low: step.low, high: step.high, zeroPoint: grid.zeroPoint };
  const [first, second] =
    adder.kind === 'power-of-two'
      ? [scaled(builder, x, adder.first), scaled(builder, negated, adder.second)]
      : [
          emitOperand(builder, x, adder, adder.first, step.grids[0], 1),
          emitOperand(builder, negated, adder, adder.second, step.grids[1], step.subtract ? -1 : 1),
        ];
  const sum = builder.op('Add', [first, second]);
  return carried(builder, emitRequantizer(builder, sum, { ...adder.sum, ...range }, scalar, shift), grid);
}

function scaled(builder: OnnxBuilder, x: Value, shift: number): Value {
  return shift === 0 ? x : builder.op('Mul', [x, builder.int32(2 ** shift)]);
}

/** One operand of TFLite's Add on the common scale, as doubles. There are few codes, so that each is tried in doubles. */
function emitOperand(
  builder: OnnxBuilder,
  x: Value,
  { leftShift }: { readonly leftShift: number },
  by: FixedPoint,
  grid: Grid,
  sign: 1 | -1,
): Value {
  const codes = Float64Array.from(
    { length: grid.max - grid.min + 1 },
    (_, i) => (grid.min + i - grid.zeroPoint) * sign * 2 ** leftShift,
  );
  const way = inDoubles(by, 0, codes);
  if (way === undefined)
    return builder.cast(emitRequantizer(builder, scaled(builder, x, leftShift), by, scalar, 0), 'double');
  // the shift goes into the multiplier, which keeps its bits
  const factor = way.factor.map((one) => one * 2 ** leftShift);
  return emitDoubles(builder, builder.cast(x, 'double'), { ...way, factor }, scalar);
}

/** Writes a product of two tensors of codes. */
export function emitMultiply(builder: OnnxBuilder, step: MultiplyStep, a: Codes, b: Codes): Codes {
  const product = builder.op('Mul', [centred(builder, a, step.grids[0]), centred(builder, b, step.grids[1])]);
  const code = emitRequantizer(builder, product, step.requantizer, scalar, shiftOf(step.grid));
  return carried(builder, code, step.grid);
}

/** Writes the sums of a mean. */
export function emitAverageSums(builder: OnnxBuilder, step: AverageStep, input: Codes): EmittedSums {
  const exact =
    'window' in step.over && input.carrier === 'uint8'
      ? windowSums(builder, step, input)
      : 'window' in step.over
        ? wideWindowSums(builder, step, input)
        : builder.reduce(
            'ReduceSum',
            centred(builder, input, step.inputGrid),
            step.over.axes,
            step.over.keepDims,
          );
  const bound = rangeBound(step.inputGrid, step.count);
  const { value, overflows } = emitOverflow(builder, exact, step.hardware.accumulator, bound.bits);
  return { sums: value, exact: [exact], overflows, partials: [exact] };
}

function windowSums(builder: OnnxBuilder, step: AverageStep, input: Codes): Value {
  const { window, channels } = step.over as Extract<AverageStep['over'], { channels: number }>;
  const dims = [channels, 1, ...window.kernel];
  const ones = new Uint8Array(dims.reduce((product, dim) => product * dim, 1)).fill(1);
  return builder.op(
    'ConvInteger',
    [
      input.value,
      builder.constant('ones', new DenseTensor('uint8', dims, ones)),
      builder.uint8(step.inputGrid.zeroPoint + input.shift),
      builder.uint8(0),
    ],
    {
      kernel_shape: [...window.kernel],
      strides: [...window.strides],
      dilations: [...window.dilations],
      pads: [...window.pads],
      group: channels,
    },
  );
}

/** Codes of more than 8 bits are summed as two bytes. */
function wideWindowSums(builder: OnnxBuilder, step: AverageStep, input: Codes): Value {
  const zero = step.inputGrid.zeroPoint + input.shift;
  const byte = (opType: 'Mod' | 'Div', zeroPoint: number): Value => {
    const value = builder.cast(builder.op(opType, [input.value, builder.int32(256)]), 'uint8');
    const grid = { ...step.inputGrid, min: 0, max: 255, zeroPoint };
    return windowSums(builder, { ...step, inputGrid: grid }, { value, carrier: 'uint8', shift: 0 });
  };
  const high = builder.op('Mul', [byte('Div', Math.floor(zero / 256)), builder.int32(256)]);
  return builder.op('Add', [high, byte('Mod', zero % 256)]);
}

/** Writes a maximum over windows. */
export function emitMaxPool(builder: OnnxBuilder, step: MaxPoolStep, input: Codes): Codes {
  const { window } = step;
  const attributes = {
    kernel_shape: [...window.kernel],
    strides: [...window.strides],
    dilations: [...window.dilations],
    pads: [...window.pads],
    ceil_mode: step.ceil ? 1 : 0,
  };
  if (input.carrier === 'uint8') return { ...input, value: builder.op('MaxPool', [input.value], attributes) };
  const pooled = builder.op('MaxPool', [builder.cast(input.value, 'float')], attributes);
  return { ...input, value: builder.cast(pooled, 'int32') };
}

/** Writes an operator that moves values: the model's own node, on codes. */
export function emitMove(
  builder: OnnxBuilder,
  step: MoveStep,
  input: Value,
  codes: Codes | undefined,
): Value {
  const { node } = step;
  const inputs: (Value | undefined)[] = [input];
  for (const [i, value] of node.inputs.entries()) {
    if (i === 0) continue;
    const producer = value?.producer;
    inputs.push(producer?.kind === 'get_attr' ? builder.constant(value!.name, producer.tensor) : undefined);
  }
  if (node.is('Pad') && codes !== undefined && node.attributes.string('mode', 'constant') === 'constant') {
    const code = paddingOf(step) + codes.shift;
    inputs[2] = codes.carrier === 'uint8' ? builder.uint8(code) : builder.int32(code);
  }
  while (inputs.at(-1) === undefined) inputs.pop();
  const made = builder.graph.createOp({
    opType: node.opType,
    inputs,
    attributes: node.attributes,
    outputs: node.outputs.length,
  });
  return made.outputs[step.index]!;
}

/** Writes a lookup table. */
export function emitTable(builder: OnnxBuilder, step: TableStep, input: Codes): Codes {
  const shift = shiftOf(step.grid);
  const carrier = carrierOf(step.grid);
  const first = step.inputGrid.min + input.shift;
  const entries = Int32Array.from(
    { length: first + step.table.length },
    (_, i) => step.table[Math.max(i - first, 0)]! + shift,
  );
  const table =
    carrier === 'uint8'
      ? new DenseTensor('uint8', [entries.length], Uint8Array.from(entries))
      : new DenseTensor('int32', [entries.length], entries);
  const index = builder.cast(input.value, 'int32');
  const value = builder.op('Gather', [builder.constant(`${step.name}_table`, table), index], { axis: 0 });
  return { value, carrier, shift };
}

/** Writes Softmax over the last axis in integers: see `runSoftmax` for the arithmetic. */
export function emitSoftmax(builder: OnnxBuilder, step: SoftmaxStep, input: Codes): Codes {
  const shift = shiftOf(step.grid);
  const x = builder.cast(input.value, 'int32');
  const below = builder.op('Sub', [builder.reduce('ReduceMax', x, [-1], true), x]);
  const table = new DenseTensor('int64', [step.table.length], BigInt64Array.from(step.table, BigInt));
  const e = builder.op('Gather', [builder.constant(`${step.name}_table`, table), below], { axis: 0 });
  const sum = builder.reduce('ReduceSum', e, [-1], true);
  const upper = builder.op('Add', [
    builder.op('Mul', [e, builder.int64(2 * step.reciprocal)]),
    builder.op('Mul', [sum, builder.int64(4096)]),
  ]);
  const quotient = builder.op('Div', [upper, builder.op('Mul', [sum, builder.int64(8192)])]);
  const code = builder.op('Add', [quotient, builder.int64(step.grid.zeroPoint + shift)]);
  const held = builder.op('Clip', [
    code,
    builder.int64(step.grid.min + shift),
    builder.int64(step.grid.max + shift),
  ]);
  return carried(builder, held, step.grid);
}
