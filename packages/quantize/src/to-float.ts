import { DenseTensor, dequantizeValue, floatData, floatTensor } from '@bitwright/core';
import {
  BITWRIGHT_DOMAIN,
  constantTensor,
  type GetAttrNode,
  type Graph,
  type GraphModule,
  isDeQuantStub,
  isQuantizer,
  type OpNode,
  QuantizedTensor,
  qparamsOf,
  type Value,
} from '@bitwright/graph';

/** Operators whose results are at least zero, whatever they read. */
const NEVER_NEGATIVE = new Set(['Relu', 'Sigmoid', 'Softmax', 'HardSigmoid', 'Exp', 'Abs', 'Sqrt']);

/** Operators whose results are at least zero where all that they read is. */
const KEEPING = new Set([
  ...['MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'ReduceMean', 'ReduceMax', 'ReduceSum'],
  ...[
    'Add',
    'Mul',
    'Sum',
    'Max',
    'Concat',
    'Reshape',
    'Transpose',
    'Flatten',
    'Squeeze',
    'Unsqueeze',
    'Slice',
  ],
  ...['Split', 'Gather', 'Identity', 'DepthToSpace', 'SpaceToDepth', 'Expand', 'Tile', 'Resize', 'Dropout'],
]);

/** Inputs behind the first that are parameters of an operator which keeps values. */
const FIRST_ONLY = new Set([
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Split',
  'Gather',
  'Expand',
  'Tile',
  'Resize',
]);

/**
 * Takes the quantizers out of a quantized graph, in place: weights and biases become the floats that their codes stand for,
 * and activations are no longer rounded.
 *
 * A quantizer whose lowest code is zero may stand for a Relu or a Relu6 that its author's tool has taken out. Where its input
 * can be negative, a Clip to the range of the grid takes its place.
 */
export function toFloatModel(module: GraphModule): void {
  const { graph } = module;
  for (const node of [...graph.ops()]) if (isQuantizer(node)) removeQuantizer(graph, node);
  for (const node of [...graph.ops()]) if (isDeQuantStub(node)) removeStub(graph, node);
  graph.eliminateDeadCode();
  module.opsets.delete(BITWRIGHT_DOMAIN);
}

function removeQuantizer(graph: Graph, node: OpNode): void {
  const input = node.inputs[0]!;
  const tensor = constantTensor(input);
  if (tensor instanceof QuantizedTensor) {
    (input.producer as GetAttrNode).tensor = new DenseTensor('float', tensor.dims, tensor.data());
  } else if (tensor === undefined && hidesClip(node)) {
    node.output.replaceAllUsesWith(clipOf(graph, node, input));
    graph.eraseNode(node);
    return;
  }
  node.output.replaceAllUsesWith(input);
  graph.eraseNode(node);
}

function hidesClip(node: OpNode): boolean {
  const { zeroPoint, quantMin } = qparamsOf(node);
  return zeroPoint[0] === quantMin && !isNeverNegative(node.inputs[0]!);
}

function clipOf(graph: Graph, node: OpNode, input: Value): Value {
  const { scale, zeroPoint, quantMax } = qparamsOf(node);
  const bound = (name: string, value: number): Value =>
    graph.getAttr(`${input.name}_${name}`, floatTensor([value], []), node).output;
  const inputs = [
    input,
    bound('clip_min', 0),
    bound('clip_max', dequantizeValue(quantMax, scale[0]!, zeroPoint[0]!)),
  ];
  const name = graph.freshName(`${input.name}_clip`);
  const outputs = [{ name, ...(input.type && { type: input.type }) }];
  return graph.createOp({ opType: 'Clip', name, inputs, outputs, before: node }).output;
}

/** True where a value can't be negative, or is the model's input, which no activation stands in front of. */
function isNeverNegative(value: Value): boolean {
  const seen = new Set<Value>();
  const open = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const { producer } = next;
    if (producer.kind === 'placeholder') continue;
    if (producer.kind === 'get_attr') {
      const { tensor } = producer;
      if (tensor.dtype !== 'float' || floatData(tensor).some((element) => element < 0)) return false;
      continue;
    }
    if (producer.kind !== 'op' || producer.domain !== '') return false;
    if (NEVER_NEGATIVE.has(producer.opType) || hasLowerBound(producer)) continue;
    if (!KEEPING.has(producer.opType)) return false;
    const inputs = FIRST_ONLY.has(producer.opType) ? producer.inputs.slice(0, 1) : producer.inputs;
    for (const input of inputs) if (input !== undefined) open.push(input);
  }
  return true;
}

function hasLowerBound(node: OpNode): boolean {
  if (!node.is('Clip')) return false;
  const low = constantTensor(node.inputs[1]);
  return low?.dtype === 'float' && floatData(low)[0]! >= 0;
}

/** Takes out a marker before an output; the output keeps its name. */
function removeStub(graph: Graph, stub: OpNode): void {
  const source = stub.inputs[0]!;
  const { name, type } = stub.output;
  const isFree =
    source.producer.kind === 'op' &&
    ![...source.uses].some(({ node }) => node !== stub && node === graph.outputNode);
  const kept = isFree
    ? source
    : graph.createOp({ opType: 'Identity', name, inputs: [source], outputs: [{}], before: stub }).output;
  stub.output.replaceAllUsesWith(kept);
  graph.eraseNode(stub);
  graph.rename(kept, name);
  kept.type = type;
}
