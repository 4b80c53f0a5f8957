import { type Diagnostic, floatData, type QParams, type QuantGrid, quantizeTensor } from '@bitwright/core';
import {
  constantTensor,
  type Graph,
  isQuantizer,
  nodeName,
  type OpNode,
  QuantizedTensor,
  qparamsOf,
  quantSpecOf,
  setQParams,
} from '@bitwright/graph';
import { scaleBounds } from './grid-constraints.js';
import type { PreparedLayer } from './prepare.js';
import { biasScales } from './rounding/bias-scale.js';
import { weightQParams } from './rounding/weight-scale.js';

const LARGEST_BIAS_CODE = 2 ** 31 - 1;
// the scale is rounded to float32, so the room for the largest code must be a little wider than exact
const BIAS_MARGIN = 1 + 2 ** -20;

/**
 * Chooses the grid of a layer's weights: the searched scale, raised where a bias code would not fit into 32 bits.
 *
 * @returns the parameters, and the smallest scales allowed where that matters.
 */
export function chooseWeightGrid(
  layer: PreparedLayer,
  quantizer: OpNode,
  weightSearch: 'mse' | 'min-max',
  diagnostics: Diagnostic[],
): { qparams: QParams; floor?: Float32Array } {
  const tensor = constantTensor(quantizer.inputs[0])!;
  const weights = floatData(tensor);
  const spec = quantSpecOf(quantizer);
  const { symmetricWeights: symmetric, powerOfTwo } = layer.config;
  const bounds = scaleBounds(layer.dtype.weight ?? { bits: [] }, powerOfTwo);
  const search = { search: weightSearch, symmetric, powerOfTwo, ...bounds };
  const qparams = weightQParams(weights, tensor.dims, spec.axis, spec, search);
  const floor =
    layer.config.bias === 'int32' ? biasFloor(layer, inputScaleOf(layer.anchor), qparams) : undefined;
  if (floor === undefined) return { qparams };
  diagnostics.push({
    code: 'BIAS_RAISED_WEIGHT_SCALE',
    severity: 'warning',
    message: `The weight scale of '${nodeName(layer.anchor)}' was raised so that its bias fits into 32 bits.`,
    hint: 'Its weights are tiny beside its bias: the layer hardly depends on its input.',
    at: { node: nodeName(layer.anchor) },
  });
  return { qparams: weightQParams(weights, tensor.dims, spec.axis, spec, { ...search, floor }), floor };
}

/** Gives a weight quantizer its codes and their parameters. */
export function setWeightCodes(quantizer: OpNode, codes: Int32Array, qparams: QParams): void {
  const { dims } = constantTensor(quantizer.inputs[0])!;
  replaceConstant(quantizer, new QuantizedTensor(dims, codes, qparams));
  setQParams(quantizer, qparams);
}

/** The weight scales below which a bias code would pass 2^31; undefined when all are above. */
function biasFloor(
  layer: PreparedLayer,
  inputScale: number | undefined,
  qparams: QParams,
): Float32Array | undefined {
  const bias = layer.biasQuantizer && constantTensor(layer.biasQuantizer.inputs[0]);
  if (bias === undefined || inputScale === undefined) return undefined;
  const values = floatData(bias);
  const floor = new Float32Array(qparams.scale.length);
  let raised = false;
  for (let i = 0; i < values.length; i++) {
    const channel = floor.length === 1 ? 0 : i;
    const least = (Math.abs(values[i]!) / (inputScale * LARGEST_BIAS_CODE)) * BIAS_MARGIN;
    floor[channel] = Math.max(floor[channel]!, least);
    if (least > qparams.scale[channel]!) raised = true;
  }
  return raised ? floor : undefined;
}

/** Puts a layer's bias on its grid: int32 at s_x * s_w, or 8 or 16 bits at scales of its own. */
export function convertBias(
  layer: PreparedLayer,
  quantizer: OpNode,
  inputScale: number | undefined,
  weights: QParams,
  diagnostics: Diagnostic[],
): void {
  const spec = quantSpecOf(quantizer);
  if (spec.bits === 32 && inputScale === undefined) {
    quantizer.output.replaceAllUsesWith(quantizer.inputs[0]!);
    quantizer.graph.eraseNode(quantizer);
    diagnostics.push({
      code: 'BIAS_LEFT_FLOAT',
      severity: 'warning',
      message: `The bias of '${nodeName(layer.anchor)}' stays float: its input is not quantized, so s_x * s_w is not known.`,
      at: { node: nodeName(layer.anchor) },
    });
    return;
  }
  const tensor = constantTensor(quantizer.inputs[0])!;
  const values = floatData(tensor);
  const scale =
    spec.bits === 32 ? productScales(inputScale!, weights.scale) : biasScales(values, spec, layer.config);
  const axis = scale.length > 1 ? { axis: 0 } : {};
  const qparams: QParams = { ...gridOf(spec), scale, zeroPoint: new Int32Array(scale.length), ...axis };
  quantizer.attributes = quantizer.attributes.with({ axis: scale.length > 1 ? 0 : undefined });
  replaceConstant(
    quantizer,
    new QuantizedTensor(tensor.dims, quantizeTensor(values, tensor.dims, qparams), qparams),
  );
  setQParams(quantizer, qparams);
}

/** fl32(s_x * s_w), exactly as a runtime computes it. */
function productScales(inputScale: number, weightScale: Float32Array): Float32Array {
  return weightScale.map((scale) => inputScale * scale);
}

function gridOf({ bits, signed, quantMin, quantMax }: QuantGrid): QuantGrid {
  return { bits, signed, quantMin, quantMax };
}

/** The scale of a layer's input; undefined where it is not quantized. */
export function inputScaleOf(anchor: OpNode): number | undefined {
  const producer = anchor.inputs[0]?.producer;
  return isQuantizer(producer) ? qparamsOf(producer).scale[0] : undefined;
}

/** Gives a quantizer a constant of its own, so that a tensor that several layers share can be rounded for each. */
function replaceConstant(quantizer: OpNode, tensor: QuantizedTensor): void {
  const graph: Graph = quantizer.graph;
  const before = quantizer.inputs[0]!;
  const made = graph.getAttr(before.name, tensor, quantizer);
  quantizer.setInput(0, made.output);
  if (before.uses.size === 0) {
    const { name } = before;
    before.producer.graph.eraseNode(before.producer);
    graph.rename(made.output, name);
  }
}
