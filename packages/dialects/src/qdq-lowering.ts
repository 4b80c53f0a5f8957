import {
  codeOfDtype,
  DenseTensor,
  type Diagnostic,
  type DType,
  dequantizeTensor,
  quantizeTensor,
  type Tensor,
  type TensorData,
} from '@bitwright/core';
import {
  constantTensor,
  type Graph,
  type GraphModule,
  isDeQuantStub,
  isQuantizer,
  type Node,
  nodeName,
  type OpNode,
  QuantizedTensor,
  qparamsOf,
  type Value,
} from '@bitwright/graph';
import { activationStorage, carrierLimits, weightStorage } from './code-storage.js';
import type { LowerOptions } from './dialect.js';
import {
  dropRedundantClips,
  guardFloatBias,
  guardFloatInputs,
  guardFloatWeights,
  guardMatMulAdd,
} from './runtime-guards.js';
import { layerSaturation } from './saturation.js';

/** What distinguishes the dialects that write QuantizeLinear and DequantizeLinear. */
export interface QdqStyle {
  /** The element type that carries weight codes of a width. */
  weightCarrier(bits: number): DType;
}

/** Rewrites every quantizer into QuantizeLinear, Clip where the width is not the carrier's, and DequantizeLinear. */
export function lowerToQdq(module: GraphModule, style: QdqStyle, options: LowerOptions): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const { graph } = module;
  dropRedundantClips(graph);
  const quantizers = [...graph.ops()].filter(isQuantizer);
  // asked before anything is lowered: the prediction looks at the quantizer of the layer's input
  const saturating = new Set(
    options.allowPairSaturation === true || options.guards === 'none'
      ? []
      : quantizers.filter((node) => !layerSaturation(node).safe),
  );
  for (const node of quantizers) {
    const { role } = qparamsOf(node);
    if (role === 'weight') lowerWeight(graph, node, style, saturating.has(node), diagnostics);
    else if (role === 'bias') lowerBias(graph, node);
    else if (constantTensor(node.inputs[0]) !== undefined) lowerConstantActivation(graph, node);
    else lowerActivation(graph, node);
  }
  if (options.guards !== 'none') {
    guardFloatBias(graph);
    guardFloatWeights(graph);
    guardFloatInputs(graph);
    guardMatMulAdd(graph);
  }
  removeDeQuantStubs(graph);
  graph.eliminateDeadCode();
  module.opsets.delete('ai.bitwright');
  return diagnostics;
}

/** x -> QuantizeLinear(uint8) -> Clip(uint8) below the carrier's width -> DequantizeLinear; the grid sits at the low end of the carrier. */
function lowerActivation(graph: Graph, node: OpNode): void {
  const spec = qparamsOf(node);
  const { carrier, shift } = activationStorage(spec);
  const base = node.attributes.string('tensor', node.inputs[0]!.name);
  const scale = node.inputs[1]!;
  const zeroPoint = scalar(graph, `${base}_zero_point`, carrier, spec.zeroPoint[0]! + shift, node);
  const quantize = createOp(graph, 'QuantizeLinear', [node.inputs[0]!, scale, zeroPoint], `${base}_q`, node);
  let codes = quantize.output;
  const [from, to] = [spec.quantMin + shift, spec.quantMax + shift];
  const [lowest, highest] = carrierLimits(carrier);
  if (from !== lowest || to !== highest) {
    const low = scalar(graph, `${base}_code_min`, carrier, from, node);
    const high = scalar(graph, `${base}_code_max`, carrier, to, node);
    codes = createOp(graph, 'Clip', [codes, low, high], `${base}_clip`, node).output;
  }
  finish(graph, node, createOp(graph, 'DequantizeLinear', [codes, scale, zeroPoint], `${base}_dq`, node));
}

/** A constant operand, e.g. of an Add: its codes are computed here and only DequantizeLinear is written. */
function lowerConstantActivation(graph: Graph, node: OpNode): void {
  const spec = qparamsOf(node);
  const { carrier, shift } = activationStorage(spec);
  const tensor = constantTensor(node.inputs[0])!;
  const codes = quantizeTensor(tensor.data() as Float32Array, tensor.dims, spec);
  const base = node.inputs[0]!.name;
  const stored = graph.getAttr(`${base}_codes`, integerTensor(carrier, tensor.dims, codes, shift), node);
  const zeroPoint = scalar(graph, `${base}_zero_point`, carrier, spec.zeroPoint[0]! + shift, node);
  finish(
    graph,
    node,
    createOp(graph, 'DequantizeLinear', [stored.output, node.inputs[1]!, zeroPoint], `${base}_dq`, node),
  );
}

function lowerWeight(
  graph: Graph,
  node: OpNode,
  style: QdqStyle,
  saturates: boolean,
  diagnostics: Diagnostic[],
): void {
  const spec = qparamsOf(node);
  const codes = codesOf(node, spec);
  const base = node.inputs[0]!.name;
  let { carrier, shift } = weightStorage(spec, style.weightCarrier(spec.bits));
  if (carrier === 'int8' && spec.bits === 8 && spec.carrier === undefined && saturates) {
    carrier = 'uint8';
    shift = 128;
    diagnostics.push({
      code: 'SATURATION_AVOIDED',
      severity: 'info',
      message: `The weights of '${readerName(node)}' are written as uint8 with zero point 128: signed ones would saturate 16-bit pairs on CPUs without VNNI.`,
      at: { node: readerName(node) },
    });
  }
  const dims = constantTensor(node.inputs[0])!.dims;
  const stored = storedCodes(graph, `${base}_codes`, integerTensor(carrier, dims, codes, shift), node);
  if (carrier === 'int2') carrier = 'int8';
  const zeroPoints = integerTensor(
    carrier,
    spec.axis === undefined ? [] : [spec.zeroPoint.length],
    spec.zeroPoint,
    shift,
  );
  const zeroPoint = graph.getAttr(`${base}_zero_point`, zeroPoints, node);
  finish(
    graph,
    node,
    dequantize(graph, [stored, node.inputs[1]!, zeroPoint.output], `${base}_dq`, node, spec.axis),
  );
}

/** Codes as an initializer; 2-bit ones go through a Cast to int8, as the runtime fails to load them in front of integer kernels. */
function storedCodes(graph: Graph, name: string, codes: Tensor, before: Node): Value {
  const stored = graph.getAttr(name, codes, before).output;
  if (codes.dtype !== 'int2') return stored;
  const cast = createOp(graph, 'Cast', [stored], `${name}_int8`, before);
  cast.attributes = cast.attributes.with({ to: codeOfDtype('int8') });
  return cast.output;
}

/** int32 (or int16, int8) codes -> DequantizeLinear without zero point: WebGPU rejects one on int32, and it is zero. */
function lowerBias(graph: Graph, node: OpNode): void {
  const spec = qparamsOf(node);
  const base = node.inputs[0]!.name;
  const tensor = constantTensor(node.inputs[0])!;
  const carrier: DType = spec.bits === 32 ? 'int32' : spec.bits === 16 ? 'int16' : 'int8';
  const stored = graph.getAttr(
    `${base}_codes`,
    integerTensor(carrier, tensor.dims, codesOf(node, spec), 0),
    node,
  );
  finish(graph, node, dequantize(graph, [stored.output, node.inputs[1]!], `${base}_dq`, node, spec.axis));
}

/** Takes the markers before the outputs out; each output keeps its name. */
export function removeDeQuantStubs(graph: Graph): void {
  const named = new Set<Value>();
  for (const node of [...graph.ops()]) {
    if (!isDeQuantStub(node)) continue;
    const source = node.inputs[0]!;
    const { name } = node.output;
    if (named.has(source) || source.producer.kind !== 'op' || graph.inputs.includes(source)) {
      const kept = graph.createOp({
        opType: 'Identity',
        name,
        inputs: [source],
        outputs: [{}],
        before: node,
      });
      node.output.replaceAllUsesWith(kept.output);
      graph.eraseNode(node);
      graph.rename(kept.output, name);
      continue;
    }
    const { type } = node.output;
    node.output.replaceAllUsesWith(source);
    graph.eraseNode(node);
    graph.rename(source, name);
    source.type = type;
    named.add(source);
  }
}

/** The codes of a constant that a quantizer reads: those of its rounding where it has been rounded, else the nearest. */
export function codesOf(node: OpNode, spec: ReturnType<typeof qparamsOf>): Int32Array {
  const tensor = constantTensor(node.inputs[0])!;
  if (tensor instanceof QuantizedTensor) return tensor.codes;
  return quantizeTensor(tensor.data() as Float32Array, tensor.dims, spec);
}

/** The float values that lie exactly on the grid. */
export function onGrid(node: OpNode, spec: ReturnType<typeof qparamsOf>): Tensor {
  const { dims } = constantTensor(node.inputs[0])!;
  return new DenseTensor('float', dims, dequantizeTensor(codesOf(node, spec), dims, spec));
}

/** Integer codes in the element type that carries them; `shift` is added to each. */
export function integerTensor(
  carrier: DType,
  dims: readonly number[],
  codes: Int32Array,
  shift: number,
): Tensor {
  const data: TensorData = storage(carrier, codes.length);
  for (let i = 0; i < codes.length; i++) data[i] = codes[i]! + shift;
  return new DenseTensor(carrier, dims, data);
}

function storage(
  carrier: DType,
  length: number,
): Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array {
  switch (carrier) {
    case 'int32':
      return new Int32Array(length);
    case 'int16':
      return new Int16Array(length);
    case 'uint16':
      return new Uint16Array(length);
    case 'uint8':
    case 'uint4':
    case 'uint2':
      return new Uint8Array(length);
    default:
      return new Int8Array(length);
  }
}

function scalar(graph: Graph, name: string, carrier: DType, value: number, before: Node): Value {
  return graph.getAttr(name, integerTensor(carrier, [], Int32Array.of(value), 0), before).output;
}

function createOp(
  graph: Graph,
  opType: string,
  inputs: readonly Value[],
  name: string,
  before: Node,
): OpNode {
  const fresh = graph.freshName(name);
  return graph.createOp({ opType, name: fresh, inputs, outputs: [{ name: fresh }], before });
}

function dequantize(
  graph: Graph,
  inputs: readonly Value[],
  name: string,
  before: Node,
  axis: number | undefined,
): OpNode {
  const node = createOp(graph, 'DequantizeLinear', inputs, name, before);
  if (axis !== undefined) node.attributes = node.attributes.with({ axis });
  return node;
}

function finish(graph: Graph, quantizer: OpNode, dequantizer: OpNode): void {
  const { type } = quantizer.output;
  if (type !== undefined) dequantizer.output.type = type;
  quantizer.output.replaceAllUsesWith(dequantizer.output);
  graph.eraseNode(quantizer);
}

function readerName(node: OpNode): string {
  const [use] = node.output.uses;
  return use === undefined ? nodeName(node) : nodeName(use.node);
}
