import { floatData, integerData, quantGrid, quantizeTensor } from '@bitwright/core';
import {
  constantTensor,
  type GetAttrNode,
  type GraphModule,
  isQuantizer,
  lint,
  type OpNode,
  parseModule,
  QuantizedTensor,
  qparamsOf,
  type Value,
} from '@bitwright/graph';
import { findDialect } from '../src/registry.js';

/** Attributes of a quantizer in the text form. */
export function spec(
  role: 'activation' | 'weight' | 'bias',
  bits: number,
  signed: boolean,
  axis?: number,
): string {
  const { quantMin, quantMax } = quantGrid(bits, signed);
  const grid = `bits=${bits}, signed=${signed ? 1 : 0}, quant_min=${quantMin}, quant_max=${quantMax}`;
  return `<role="${role}", ${grid}${axis === undefined ? '' : `, axis=${axis}`}>`;
}

/** Reads a quantized model in the private dialect, whose weights and biases are rounded as conversion leaves them. */
export function quantizedModel(graph: string): GraphModule {
  const text = graph.replaceAll(/\b(QuantStub|FakeQuantize|DeQuantStub)/g, 'ai.bitwright.$1');
  const module = parseModule(`<ir_version: 10, opset_import: ["": 21, "ai.bitwright": 1]> ${text}`);
  for (const node of module.graph.ops()) {
    const tensor = constantTensor(node.inputs[0]);
    if (!isQuantizer(node) || tensor === undefined || qparamsOf(node).role === 'activation') continue;
    const qparams = qparamsOf(node);
    const codes = quantizeTensor(floatData(tensor), tensor.dims, qparams);
    (node.inputs[0]!.producer as GetAttrNode).tensor = new QuantizedTensor(tensor.dims, codes, qparams);
  }
  lint(module);
  return module;
}

/** What a test says about the convolution. */
export interface ConvChoices {
  readonly weightBits?: number;
  readonly inputBits?: number;
  readonly inputSigned?: boolean;
  readonly biasBits?: 8 | 16 | 32 | 'float';
  /** Two channels of four weights. */
  readonly weights?: readonly number[];
}

/** A quantized convolution of two channels with bias and Relu; scales are powers of two and weights are codes * 0.5. */
export function convModel(choices: ConvChoices = {}): GraphModule {
  const { weightBits = 4, inputBits = 4, inputSigned = false, biasBits = 32 } = choices;
  const weights = choices.weights ?? [1, -1, 0.5, 3.5, -4, 2, 0, 1.5];
  const float = biasBits === 'float';
  const bias = float ? 'b' : 'bq';
  const quantizer = float ? '' : `bq = FakeQuantize${spec('bias', biasBits, true, 0)}(b, bs, bz)`;
  return quantizedModel(`g (float[1,2,4,4] x) => (float[1,2,4,4] y)
    <float xs = {0.25}, int32 xz = {${inputSigned ? 0 : 3}},
     float[2,2,1,2] w = {${weights.join()}}, float[2] ws = {0.5,0.5}, int32[2] wz = {0,0},
     float[2] b = {1,-2}, float[2] bs = {0.125,0.125}, int32[2] bz = {0,0},
     float ys = {0.5}, int32 yz = {0}> {
    xq = QuantStub${spec('activation', inputBits, inputSigned)}(x, xs, xz)
    wq = FakeQuantize${spec('weight', weightBits, true, 0)}(w, ws, wz)
    ${quantizer}
    [conv] c = Conv(xq, wq, ${bias}) yf = Relu(c)
    yq = FakeQuantize${spec('activation', inputBits, false)}(yf, ys, yz)
    y = DeQuantStub(yq)
  }`);
}

/** Lowers to the dialect of a name, and verifies the result. */
export function lowered(module: GraphModule, dialect: string, allowPairSaturation?: boolean) {
  const options = allowPairSaturation === undefined ? {} : { allowPairSaturation };
  const diagnostics = findDialect(dialect, false).lower(module, options);
  lint(module, dialect);
  return { module, diagnostics };
}

/** Every operator as `Conv(x, w) -> y`, in order. */
export function outline({ graph }: GraphModule): string[] {
  const names = (values: readonly (Value | undefined)[]): string =>
    values.map((value) => value?.name ?? '').join(', ');
  return [...graph.ops()].map((node) => `${names(node.outputs)} = ${node.opType}(${names(node.inputs)})`);
}

/** The operator that makes a value. */
export function producerOf({ graph }: GraphModule, value: string): OpNode {
  const producer = graph.findValue(value)?.producer;
  if (producer?.kind !== 'op') throw new Error(`no operator makes '${value}'`);
  return producer;
}

/** Element type, shape and elements of an initializer. */
export function constantOf({ graph }: GraphModule, name: string) {
  const tensor = constantTensor(graph.findValue(name));
  if (tensor === undefined) throw new Error(`'${name}' is no initializer`);
  const { dtype, dims } = tensor;
  return { dtype, dims, data: dtype === 'float' ? [...floatData(tensor)] : integerData(tensor) };
}
