import type { SampleSource } from '@bitwright/data';
import { findDialect } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import {
  BITWRIGHT_DOMAIN,
  type GraphModule,
  isQuantizer,
  nodeName,
  type OpNode,
  qparamsOf,
  quantAttributes,
  setQParams,
  type Value,
} from '@bitwright/graph';
import type { OpenExecutor } from '@bitwright/runtime';
import { Noise } from '../diff/noise.js';

const BATCH = 8;

/**
 * The noise that each layer makes by itself: its quantized weights, bias and inputs on the float model's activations, against
 * its float result, in dB. All layers are measured in one model, which holds each of them twice.
 *
 * @param float the float model behind the passes. @param quantized the quantized graph of the private dialect.
 */
export async function isolatedNoise(
  float: GraphModule,
  quantized: GraphModule,
  data: SampleSource,
  open: OpenExecutor,
): Promise<Map<string, number | null>> {
  const { module, pairs } = twins(float, quantized);
  const found = new Map([...pairs.keys()].map((name) => [name, new Noise()]));
  if (pairs.size === 0) return new Map();
  const executor = await open(emitBytes(module, { external: 'inline' }), {
    mode: 'faithful',
    name: 'the float model with each layer quantized beside it',
  });
  try {
    for await (const batch of data.batches(BATCH)) {
      const results = await executor.run(batch.inputs, [...new Set([...pairs.values()].flat())]);
      for (const [name, [plain, rounded]] of pairs)
        found.get(name)!.add(results.get(plain)!.data(), results.get(rounded)!.data());
    }
  } finally {
    await executor.release();
  }
  return new Map([...found].map(([name, noise]) => [name, noise.decibel]));
}

/** The float model with a quantized twin of each layer on the same float inputs; names of both results by layer. */
function twins(
  float: GraphModule,
  quantized: GraphModule,
): { readonly module: GraphModule; readonly pairs: Map<string, [string, string]> } {
  const module = float.clone();
  const { graph } = module;
  const rounded = new Map([...quantized.graph.ops()].map((node) => [nodeName(node), node]));
  const layers = new Map<string, readonly [Value, Value]>();
  for (const node of [...graph.ops()]) {
    const twin = rounded.get(nodeName(node));
    if (
      twin === undefined ||
      !['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Add', 'Concat', 'Mul'].includes(node.opType)
    )
      continue;
    if (!twin.inputs.some((value) => isQuantizer(value?.producer)) || node.outputs.length !== 1) continue;
    const copy = graph.createOp({
      opType: node.opType,
      domain: node.domain,
      name: graph.freshName(`${nodeName(node)}_alone`),
      inputs: node.inputs,
      outputs: [{ name: graph.freshName(`${node.output.name}_alone`) }],
      before: node,
    });
    copy.attributes = node.attributes;
    for (const [index, value] of twin.inputs.entries())
      if (isQuantizer(value?.producer)) quantizeInput(copy, index, value.producer);
    layers.set(nodeName(node), [node.output, copy.output]);
  }
  const outputs = [...new Set([...layers.values()].flat())];
  graph.setOutputs(outputs);
  module.opsets.set(BITWRIGHT_DOMAIN, 1);
  findDialect('qcdq', true).lower(module, {});
  // a dialect may let another value stand for an output, e.g. behind a bias that it adds apart
  const names = new Map(outputs.map((value, i) => [value, graph.outputs[i]!.name]));
  const pairs = new Map(
    [...layers].map(([name, [plain, alone]]): [string, [string, string]] => [
      name,
      [names.get(plain)!, names.get(alone)!],
    ]),
  );
  return { module, pairs };
}

/** Puts a copy of a quantizer in front of one input of a layer; constants come with their codes. */
function quantizeInput(node: OpNode, index: number, quantizer: OpNode): void {
  const { graph } = node;
  const qparams = qparamsOf(quantizer);
  const constant = quantizer.inputs[0]!.producer;
  const value =
    constant.kind === 'get_attr'
      ? graph.getAttr(`${quantizer.inputs[0]!.name}_alone`, constant.tensor, node).output
      : node.inputs[index]!;
  const made = graph.createOp({
    opType: 'FakeQuantize',
    domain: BITWRIGHT_DOMAIN,
    name: graph.freshName(`${value.name}_quantizer_alone`),
    inputs: [value],
    attributes: quantAttributes(qparams).with({ tensor: graph.freshName(`${value.name}_alone`) }),
    outputs: [{ name: graph.freshName(`${value.name}_quantized_alone`) }],
    before: node,
  });
  setQParams(made, qparams);
  node.setInput(index, made.output);
}
