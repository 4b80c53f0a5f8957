import {
  DenseTensor,
  type DType,
  elementCount,
  floatTensor,
  seededRandom,
  type Tensor,
  type TensorData,
} from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { type AttributeInit, Graph, GraphModule, type Value } from '@bitwright/graph';

/** The grid of a quantizer in a sketch; codes above `top` are clipped (for widths below the carrier's). */
export interface SketchGrid {
  readonly dtype: DType;
  /** One for the tensor, or one for each channel of `axis`. */
  readonly scale: number | readonly number[];
  /** Like the scale; left out of the model when absent. */
  readonly zeroPoint?: number | readonly number[];
  readonly axis?: number;
  readonly top?: number;
}

/** Writes a model of a few operators in a few lines. */
export class ModelSketch {
  readonly #graph = new Graph('trap');
  readonly #opset: number;

  constructor(opset = 21) {
    this.#opset = opset;
  }

  input(dims: readonly number[], dtype: DType = 'float', name = 'x'): Value {
    return this.#graph.placeholder(name, { kind: 'tensor', dtype, shape: dims }).output;
  }

  constant(tensor: Tensor): Value {
    return this.#graph.getAttr('constant', tensor).output;
  }

  op(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, AttributeInit>> = {},
  ): Value {
    return this.#graph.createOp({ opType, inputs, attributes }).output;
  }

  /** QuantizeLinear, and Clip where the grid has a top. */
  quantize(value: Value, grid: SketchGrid): Value {
    const codes = this.op('QuantizeLinear', [value, ...this.#parameters(grid)], axisOf(grid));
    if (grid.top === undefined) return codes;
    const bounds = [0, grid.top].map((bound) => this.constant(codeTensor(grid.dtype, [], [bound])));
    return this.op('Clip', [codes, ...bounds]);
  }

  dequantize(codes: Value, grid: SketchGrid): Value {
    return this.op('DequantizeLinear', [codes, ...this.#parameters(grid)], axisOf(grid));
  }

  /** Puts a value on a grid. */
  fakeQuantize(value: Value, grid: SketchGrid): Value {
    return this.dequantize(this.quantize(value, grid), grid);
  }

  /** The model's bytes, with this value as its only output. */
  finish(output: Value, dtype: DType = 'float'): Uint8Array {
    output.type = { kind: 'tensor', dtype, shape: undefined };
    this.#graph.rename(output, 'y');
    this.#graph.setOutputs([output]);
    const module = new GraphModule(this.#graph);
    module.opsets.set('', this.#opset);
    module.irVersion = this.#opset >= 25 ? 13 : 10;
    return emitBytes(module);
  }

  #parameters({ dtype, scale, zeroPoint }: SketchGrid): Value[] {
    const scales = typeof scale === 'number' ? floatTensor([scale], []) : floatTensor(scale);
    if (zeroPoint === undefined) return [this.constant(scales)];
    const points =
      typeof zeroPoint === 'number'
        ? codeTensor(dtype, [], [zeroPoint])
        : codeTensor(dtype, [zeroPoint.length], zeroPoint);
    return [this.constant(scales), this.constant(points)];
  }
}

/** An integer tensor of given codes. */
export function codeTensor(dtype: DType, dims: readonly number[], codes: ArrayLike<number>): Tensor {
  const data = storage(dtype, elementCount(dims));
  for (let i = 0; i < codes.length; i++) data[i] = codes[i]!;
  return new DenseTensor(dtype, dims, data as TensorData);
}

/** Integer codes, uniform from `low` to `high` inclusive. */
export function randomCodes(
  dtype: DType,
  dims: readonly number[],
  [low, high]: readonly [number, number],
  seed: number,
): Tensor {
  const random = seededRandom(seed);
  const codes = Array.from(
    { length: elementCount(dims) },
    () => low + Math.floor(random() * (high - low + 1)),
  );
  return codeTensor(dtype, dims, codes);
}

/** A float tensor, uniform from `low` to `high`. */
export function randomFloats(
  dims: readonly number[],
  [low, high]: readonly [number, number],
  seed: number,
): Tensor {
  const random = seededRandom(seed);
  return floatTensor(
    Array.from({ length: elementCount(dims) }, () => low + random() * (high - low)),
    dims,
  );
}

function axisOf({ axis }: SketchGrid): Record<string, number> {
  return axis === undefined ? {} : { axis };
}

function storage(
  dtype: DType,
  length: number,
): Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array {
  if (dtype === 'int32') return new Int32Array(length);
  if (dtype === 'int16') return new Int16Array(length);
  if (dtype === 'uint16') return new Uint16Array(length);
  return dtype.startsWith('u') ? new Uint8Array(length) : new Int8Array(length);
}
