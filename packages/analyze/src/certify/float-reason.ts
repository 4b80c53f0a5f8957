import { type DType, floatData } from '@bitwright/core';
import { constantTensor, type OpNode, type Value } from '@bitwright/graph';
import { codeType, dequantizerOf, isOnCodes, producerOf, readersOf } from './file-graph.js';

/** Why the runtime runs a node in float, by the selectors of its quantization optimizer. */
export interface FloatRule {
  readonly code: string;
  readonly reason: string;
}

/** Operators that ONNX Runtime's CPU provider has integer kernels for, and the inputs that must come dequantized. */
const FUSED: Readonly<Record<string, 'weights' | 'all' | 'first'>> = {
  ...{ Conv: 'weights', Gemm: 'weights', MatMul: 'weights' },
  ...{ Add: 'all', Mul: 'all', Concat: 'all', Where: 'all' },
  ...{
    AveragePool: 'first',
    GlobalAveragePool: 'first',
    Sigmoid: 'first',
    LeakyRelu: 'first',
    Softmax: 'first',
  },
};

/** Operators whose quantizers the runtime drops where both sides have the same parameters. */
const MOVED = new Set(
  'MaxPool ReduceMax ReduceMin Resize Reshape Flatten Slice Squeeze Unsqueeze Transpose Tile Expand Gather GatherElements Split'.split(
    ' ',
  ),
);

/** Results that may leave as float: the kernel has a form with a float output. */
const FLOAT_OUTPUT = new Set(['Gemm', 'MatMul']);

/**
 * Names the first condition of the runtime that a float node fails. The conditions are those of ONNX Runtime 1.30,
 * core/optimizer/qdq_transformer/selectors_actions/qdq_selectors.cc.
 */
export function floatReason(node: OpNode): FloatRule {
  if (isActivation(node)) return activationReason(node);
  const kind = FUSED[node.opType];
  if (kind === undefined && !MOVED.has(node.opType))
    return { code: 'CERTIFY_NO_KERNEL', reason: `the runtime has no integer kernel for ${node.opType}` };
  return (
    inputReason(node, kind ?? 'first') ??
    (kind === 'weights' ? layerReason(node) : undefined) ??
    outputReason(node) ??
    (kind === undefined ? movedReason(node) : undefined) ?? {
      code: 'CERTIFY_UNEXPLAINED',
      reason: 'none of the conditions known here fails: this version of the runtime has another one',
    }
  );
}

function isActivation(node: OpNode): boolean {
  return node.is('Relu') || node.is('Clip');
}

/** A Relu or Clip is no kernel of its own: it is absorbed by the quantizer behind it, or stays float. */
function activationReason(node: OpNode): FloatRule {
  const quantizer = readersOf(node.outputs[0]!).find((reader) => reader.opType === 'QuantizeLinear');
  if (quantizer === undefined)
    return {
      code: 'CERTIFY_OUTPUT_FLOAT',
      reason: `its result is read by ${readerList(node)}, and only a QuantizeLinear right behind absorbs a ${node.opType}`,
    };
  return {
    code: 'CERTIFY_ACTIVATION_KEPT',
    reason: `the ${node.opType} is absorbed only where the quantizer's zero point is its lowest code and its range does not pass the bounds`,
  };
}

function inputReason(node: OpNode, kind: 'weights' | 'all' | 'first'): FloatRule | undefined {
  const inputs =
    kind === 'first' ? node.inputs.slice(0, 1) : kind === 'all' ? node.inputs : node.inputs.slice(0, 2);
  for (const [index, value] of inputs.entries()) {
    if (value === undefined) continue;
    const dequantizer = dequantizerOf(value);
    if (dequantizer === undefined) {
      if (kind === 'weights' && index === 1 && constantTensor(value) !== undefined)
        return { code: 'CERTIFY_WEIGHTS_FLOAT', reason: 'its weights are float' };
      return {
        code: 'CERTIFY_INPUT_FLOAT',
        reason: `its input '${value.name}' comes from ${sourceOf(value)} and not from a DequantizeLinear`,
      };
    }
    const type = codeType(dequantizer);
    if (type === 'int16' || type === 'uint16') return wide(value, type);
    const weights = kind === 'weights' && index === 1;
    if (weights && type !== 'int8' && type !== 'uint8')
      return {
        code: 'CERTIFY_WEIGHT_TYPE',
        reason: `its weights are ${type ?? 'of an unknown type'}, and integer kernels take int8 or uint8`,
      };
    if (!weights && (constantTensor(dequantizer.inputs[1])?.data().length ?? 1) > 1)
      return {
        code: 'CERTIFY_PER_CHANNEL',
        reason: `its input '${value.name}' has a scale for each channel, and only weights may`,
      };
  }
  return undefined;
}

function wide(value: Value, type: DType): FloatRule {
  return {
    code: 'CERTIFY_16_BITS',
    reason: `'${value.name}' has ${type} codes, and the runtime has no 16-bit arithmetic`,
  };
}

/** Conditions of Conv, Gemm and MatMul: their bias, factors and types. */
function layerReason(node: OpNode): FloatRule | undefined {
  if (node.is('Gemm') && node.attributes.float('beta', 1) !== 1)
    return { code: 'CERTIFY_ATTRIBUTE', reason: 'its beta is not 1' };
  const [x, w] = [dequantizerOf(node.inputs[0])!, dequantizerOf(node.inputs[1])!];
  if (codeType(x) === 'int8' && codeType(w) === 'uint8')
    return { code: 'CERTIFY_TYPES', reason: 'int8 activations need int8 weights' };
  return node.inputs[2] === undefined ? undefined : biasReason(node.inputs[2], x, w);
}

function biasReason(bias: Value, x: OpNode, w: OpNode): FloatRule | undefined {
  const dequantizer = dequantizerOf(bias);
  // a float bias is made int32 by the runtime itself
  if (dequantizer === undefined) return undefined;
  const type = codeType(dequantizer);
  if (type !== 'int32')
    return {
      code: 'CERTIFY_BIAS',
      reason: `its bias is ${type ?? 'of an unknown type'}, and integer kernels take int32 at scale s_x * s_w`,
    };
  const scales = [dequantizer, x, w].map((of) => constantTensor(of.inputs[1]));
  if (scales.some((scale) => scale?.dtype !== 'float')) return undefined;
  const [own, input, weights] = scales.map((scale) => floatData(scale!));
  const exact = own!.every(
    (scale, i) => Math.abs(scale - input![0]! * weights![weights!.length === 1 ? 0 : i]!) <= 1e-6 * scale,
  );
  return exact ? undefined : { code: 'CERTIFY_BIAS', reason: 'the scale of its bias is not s_x * s_w' };
}

function outputReason(node: OpNode): FloatRule | undefined {
  const behind = afterActivation(node);
  const output = behind.outputs[0]!;
  const readers = readersOf(output);
  const leaves = [...output.uses].some(({ node: user }) => user.kind === 'output');
  const quantizers = readers.filter((reader) => reader.opType === 'QuantizeLinear');
  if (!leaves && quantizers.length === readers.length && readers.length > 0) {
    const type = codeType(quantizers[0]!);
    if (type === 'int16' || type === 'uint16') return wide(output, type);
    if (behind !== node) return { code: 'CERTIFY_ACTIVATION_KEPT', reason: activationReason(behind).reason };
    const from = dequantizerOf(node.inputs[0]);
    return from !== undefined && codeType(from) !== type
      ? {
          code: 'CERTIFY_TYPES',
          reason: `its input has ${codeType(from)} codes and its output ${type} codes`,
        }
      : undefined;
  }
  if (FLOAT_OUTPUT.has(node.opType)) return undefined;
  return {
    code: 'CERTIFY_OUTPUT_FLOAT',
    reason: `its result is read by ${leaves ? "the model's output" : readerList(behind)}, and every reader must be a QuantizeLinear`,
  };
}

/** The Relu or Clip that alone reads a node, else the node. */
function afterActivation(node: OpNode): OpNode {
  const readers = readersOf(node.outputs[0]!);
  return readers.length === 1 && isActivation(readers[0]!) && !isOnCodes(readers[0]!) ? readers[0]! : node;
}

function movedReason(node: OpNode): FloatRule {
  return {
    code: 'CERTIFY_PARAMETERS_DIFFER',
    reason: `the quantizers around this ${node.opType} are dropped only where both sides have the same scale, zero point and 8-bit type`,
  };
}

function sourceOf(value: Value): string {
  const producer = producerOf(value);
  if (producer !== undefined) return producer.opType;
  return value.producer.kind === 'placeholder' ? "the model's input" : 'a constant';
}

function readerList(node: OpNode): string {
  const types = new Set(readersOf(node.outputs[0]!).map(({ opType }) => opType));
  return types.size === 0 ? 'nothing' : [...types].join(' and ');
}
