import { codeOfDtype, DenseTensor, type DType, type Tensor } from '@bitwright/core';
import { type AttributeInit, Graph, GraphModule, type Value } from '@bitwright/graph';

/** How per-channel constants are laid along an accumulator: [1, C, 1, 1] for convolutions, [C] for matrices, [] for one entry. */
export type ChannelShape = (channels: number) => readonly number[];

/** Writes ONNX operators into a fresh graph, with names for the values that matter. */
export class OnnxBuilder {
  readonly module: GraphModule;
  readonly graph: Graph;

  constructor(
    readonly opset: number,
    irVersion: number,
  ) {
    this.graph = new Graph('integer_network');
    this.module = new GraphModule(this.graph);
    this.module.irVersion = irVersion;
    this.module.opsets.set('', opset);
    this.module.producerName = 'bitwright';
  }

  /** One operator with one result. */
  op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, AttributeInit | undefined>> = {},
  ): Value {
    return this.graph.createOp({ opType, inputs, attributes }).output;
  }

  constant(name: string, tensor: Tensor): Value {
    return this.graph.getAttr(name, tensor).output;
  }

  float(value: number): Value {
    return this.constant('float', new DenseTensor('float', [], Float32Array.of(value)));
  }

  doubles(name: string, values: ArrayLike<number>, dims: readonly number[]): Value {
    return this.constant(name, new DenseTensor('double', dims, Float64Array.from(values)));
  }

  int32(value: number): Value {
    return this.constant('int', new DenseTensor('int32', [], Int32Array.of(value)));
  }

  int64(value: number): Value {
    return this.constant('long', new DenseTensor('int64', [], BigInt64Array.of(BigInt(value))));
  }

  uint8(value: number): Value {
    return this.constant('byte', new DenseTensor('uint8', [], Uint8Array.of(value)));
  }

  int64s(name: string, values: readonly number[]): Value {
    return this.constant(name, new DenseTensor('int64', [values.length], BigInt64Array.from(values, BigInt)));
  }

  cast(value: Value, dtype: DType): Value {
    return this.op('Cast', [value], { to: codeOfDtype(dtype) });
  }

  /** A reduction over axes: they are an attribute or an input, as the operator set has it. */
  reduce(
    opType: 'ReduceSum' | 'ReduceMax' | 'ReduceMin',
    value: Value,
    axes: readonly number[],
    keepDims: boolean,
  ): Value {
    const keepdims = keepDims ? 1 : 0;
    const asInput = this.opset >= (opType === 'ReduceSum' ? 13 : 18);
    return asInput
      ? this.op(opType, [value, this.int64s('axes', axes)], { keepdims })
      : this.op(opType, [value], { axes: [...axes], keepdims });
  }

  /** A reduction over all axes to one number. */
  reduceAll(opType: 'ReduceSum' | 'ReduceMax' | 'ReduceMin', value: Value): Value {
    return this.op(opType, [value], { keepdims: 0 });
  }

  /** Makes a value an output of the model, under a name. */
  output(name: string, value: Value, dtype: DType, shape?: readonly (number | string | undefined)[]): void {
    const named = this.op('Identity', [value]);
    this.graph.rename(named, name);
    named.type = { kind: 'tensor', dtype, shape: shape && [...shape] };
    this.graph.setOutputs([...this.graph.outputs, named]);
  }
}
