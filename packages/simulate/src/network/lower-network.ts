import { BitwrightError, floatData } from '@bitwright/core';
import {
  BITWRIGHT_DOMAIN,
  constantTensor,
  type GraphModule,
  isDeQuantStub,
  isQuantizer,
  nodeName,
  type OpNode,
  quantSpecOf,
} from '@bitwright/graph';
import { inferShapes } from '@bitwright/rewrite';
import type { IntegerNetwork } from './integer-network.js';
import { lowerDot } from './lower-dot.js';
import { lowerElementwise } from './lower-elementwise.js';
import {
  isMove,
  lowerClipOfCodes,
  lowerConcat,
  lowerMatMul,
  lowerMove,
  lowerSoftmax,
  rescaled,
} from './lower-others.js';
import { lowerAverage, lowerMaxPool } from './lower-pool.js';
import { constantCodes, gridOf, Lowering, type LoweringOptions } from './lowering.js';
import { clipped, type Lowered } from './pending.js';

/**
 * Lowers a quantized graph of the private dialect to integers: codes, integer bias, accumulators, requantization. What
 * stands between two quantizers becomes one step, as its rounding happens at the second one.
 *
 * @param module after convert, or lifted from a file; it is read, and types are written on its values.
 * @throws SIMULATE_FLOAT_MODEL when nothing is quantized, SIMULATE_FLOAT for an operator that integers can't express unless
 *   floats are allowed, HARDWARE_WIDTH when codes are wider than the hardware takes.
 */
export function lowerNetwork(module: GraphModule, options: LoweringOptions): IntegerNetwork {
  const { graph } = module;
  if (![...graph.ops()].some(isQuantizer)) throw floatModel();
  inferShapes(module);
  const state = new Lowering(options);
  for (const { output } of graph.placeholders) {
    state.fresh(output.name);
    state.set(output, { kind: 'float', name: output.name });
  }
  for (const node of graph.ops()) lowerNode(node, state);
  const outputs = graph.outputs.map((value) => ({ name: value.name, value: state.asFloat(value) }));
  return {
    inputs: graph.placeholders.map(({ output }) => ({
      name: output.name,
      dtype: 'float',
      shape: output.shape,
    })),
    outputs,
    steps: state.steps,
    float: state.float,
    opset: module.opset,
    irVersion: module.irVersion,
  };
}

function lowerNode(node: OpNode, state: Lowering): void {
  if (node.domain === BITWRIGHT_DOMAIN) {
    lowerOwn(node, state);
    return;
  }
  if (isMove(node)) {
    const refused = lowerMove(node, state);
    if (refused !== undefined) state.stayFloat(node, refused.code, refused.reason);
    return;
  }
  const lowered = lowerOperator(node, state);
  if ('code' in lowered) state.stayFloat(node, lowered.code, lowered.reason);
  else state.set(node.output, lowered);
}

/** A quantizer, or the marker of an output. */
function lowerOwn(node: OpNode, state: Lowering): void {
  if (isDeQuantStub(node)) {
    const input = state.get(node.inputs[0]);
    if (input !== undefined) state.set(node.outputs[0]!, input);
  } else if (quantSpecOf(node).role === 'activation') lowerQuantizer(node, state);
}

function lowerOperator(node: OpNode, state: Lowering): Lowered | { code: string; reason: string } {
  if (node.domain !== '')
    return { code: 'SIMULATE_OPERATOR', reason: `the operator ${node.domain}.${node.opType} is not known` };
  switch (node.opType) {
    case 'Relu':
      return lowerClip(node, state, 0, Number.POSITIVE_INFINITY);
    case 'Clip': {
      const low = boundOf(node, 1, 'min', Number.NEGATIVE_INFINITY);
      const high = boundOf(node, 2, 'max', Number.POSITIVE_INFINITY);
      if (low === undefined || high === undefined)
        return { code: 'SIMULATE_CLIP', reason: 'its bounds are computed, not constant' };
      return lowerClip(node, state, low, high);
    }
    case 'Conv':
    case 'ConvTranspose':
    case 'Gemm':
      return lowerDot(node, state);
    case 'MatMul':
      return isConstantOperand(node) ? lowerDot(node, state) : lowerMatMul(node, state);
    case 'AveragePool':
    case 'GlobalAveragePool':
    case 'ReduceMean':
      return lowerAverage(node, state);
    case 'MaxPool':
      return lowerMaxPool(node, state);
    case 'Concat':
      return lowerConcat(node, state);
    case 'Softmax':
      return lowerSoftmax(node, state);
    default:
      return lowerElementwise(node, state);
  }
}

function isConstantOperand(node: OpNode): boolean {
  const { producer } = node.inputs[1] ?? {};
  return producer?.kind === 'op' && constantTensor(producer.inputs[0]) !== undefined;
}

function lowerClip(
  node: OpNode,
  state: Lowering,
  low: number,
  high: number,
): Lowered | { code: string; reason: string } {
  const input = state.get(node.inputs[0]);
  if (input?.kind === 'pending') return { ...clipped(input, low, high), node: input.of ? node : input.node };
  if (input?.kind === 'codes') return lowerClipOfCodes(node, input, state, low, high);
  return { code: 'SIMULATE_FLOAT_INPUT', reason: 'its input is not quantized' };
}

function boundOf(node: OpNode, index: number, attribute: string, fallback: number): number | undefined {
  const value = node.inputs[index];
  if (value === undefined) return node.attributes.float(attribute, fallback);
  const constant = constantTensor(value);
  return constant === undefined ? undefined : floatData(constant)[0];
}

function lowerQuantizer(node: OpNode, state: Lowering): void {
  const grid = gridOf(node);
  const value = node.inputs[0]!;
  const name = node.output.name;
  if (constantTensor(value) !== undefined) {
    const { codes, dims } = constantCodes(node);
    const output = state.fresh(name);
    state.push({ kind: 'constant', name: nodeName(node), dims, codes, grid, output });
    state.set(node.output, { kind: 'codes', name: output, grid });
    return;
  }
  const input = state.get(value);
  if (input?.kind === 'pending') {
    state.set(node.output, state.finishCodes(input, grid, name));
    return;
  }
  if (input?.kind === 'codes') {
    state.set(node.output, { kind: 'codes', name: rescaled(input, grid, state), grid });
    return;
  }
  const source = state.asFloat(value);
  const output = state.fresh(name);
  state.push({ kind: 'quantize', name: nodeName(node), input: source, grid, output });
  state.set(node.output, { kind: 'codes', name: output, grid });
}

function floatModel(): BitwrightError {
  return new BitwrightError({
    code: 'SIMULATE_FLOAT_MODEL',
    message: 'The model is float: there are no integer codes to simulate.',
    hint: 'Quantize it first: bitwright quantize MODEL.onnx -o QUANTIZED.onnx --bits W8A8 --scheme integer-only --data calibration.json',
  });
}
