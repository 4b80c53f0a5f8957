import { floatData, floatTensor, type QParams, quantizeTensor } from '@bitwright/core';
import type { Dialect } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import {
  type AttributeInit,
  BITWRIGHT_DOMAIN,
  Graph,
  GraphModule,
  QuantizedTensor,
  type QuantRole,
  quantAttributes,
  setQParams,
  type Value,
} from '@bitwright/graph';
import { randomFloats } from '@bitwright/runtime';

/** Writes a small converted graph of the private dialect, which a dialect under test then lowers. */
export class QuantizedSketch {
  readonly #graph = new Graph('quantized');

  input(dims: readonly number[]): Value {
    return this.#graph.placeholder('x', { kind: 'tensor', dtype: 'float', shape: dims }).output;
  }

  /** A float constant, uniform between the limits. */
  constant(dims: readonly number[], limit: number): Value {
    return this.#graph.getAttr('constant', randomFloats(dims, [-limit, limit], 2)).output;
  }

  scalar(value: number): Value {
    return this.#graph.getAttr('scalar', floatTensor([value], [])).output;
  }

  op(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, AttributeInit>> = {},
  ): Value {
    const name = this.#graph.freshName(opType);
    return this.#graph.createOp({ opType, name, inputs, attributes }).output;
  }

  /** An activation on an unsigned grid. */
  activation(value: Value, bits: number, scale: number, zeroPoint: number): Value {
    return this.#quantizer(value, 'activation', {
      bits,
      signed: false,
      quantMin: 0,
      quantMax: 2 ** bits - 1,
      scale: Float32Array.of(scale),
      zeroPoint: Int32Array.of(zeroPoint),
    });
  }

  /** Rounded weights, uniform over a signed grid for each channel of `axis`. */
  weight(dims: readonly number[], bits: number, axis: number): Value {
    const channels = dims[axis]!;
    const top = 2 ** (bits - 1);
    const qparams: QParams = {
      bits,
      signed: true,
      quantMin: -top,
      quantMax: top - 1,
      scale: Float32Array.from({ length: channels }, (_, i) => (1 + i / 16) / top / 2),
      zeroPoint: new Int32Array(channels),
      axis,
    };
    const floats = floatData(randomFloats(dims, [-0.5, 0.5], 2));
    const codes = new QuantizedTensor(dims, quantizeTensor(floats, dims, qparams), qparams);
    return this.#quantizer(this.#graph.getAttr('weight', codes).output, 'weight', qparams);
  }

  /** The model that a dialect makes of it, with this value as its only output. */
  finish(output: Value, dialect: Dialect): Uint8Array {
    output.type = { kind: 'tensor', dtype: 'float', shape: undefined };
    this.#graph.rename(output, 'y');
    this.#graph.setOutputs([output]);
    const module = new GraphModule(this.#graph);
    module.opsets.set('', 25);
    module.irVersion = 13;
    dialect.lower(module, {});
    return emitBytes(module);
  }

  #quantizer(value: Value, role: QuantRole, qparams: QParams): Value {
    const node = this.#graph.createOp({
      opType: 'FakeQuantize',
      domain: BITWRIGHT_DOMAIN,
      name: this.#graph.freshName('quantizer'),
      inputs: [value],
      attributes: quantAttributes({ ...qparams, role }),
    });
    setQParams(node, qparams);
    return node.output;
  }
}
