import type { Diagnostic } from '@bitwright/core';
import {
  BITWRIGHT_DOMAIN,
  type Graph,
  type GraphModule,
  isQuantizer,
  type Node,
  type OpNode,
  type Value,
  type ValueType,
} from '@bitwright/graph';
import { makeSigned } from '../sign-grids.js';
import { liftClip, liftDequantizeLinear, liftQuantizeLinear } from './lift-linear.js';
import { MOVING_HANDLERS } from './lift-moving.js';
import { Lifter, type LiftHandler } from './lifter.js';
import { isQuantizedOperator, isQuantNode } from './quantized-operators.js';
import { Unliftable } from './read-qparams.js';
import { type LayerWidths, readTrueWidths } from './true-widths.js';

/** The handlers of QuantizeLinear, Clip and DequantizeLinear, which every file may hold. */
export const LINEAR_HANDLERS: Readonly<Record<string, LiftHandler>> = {
  ...MOVING_HANDLERS,
  QuantizeLinear: liftQuantizeLinear,
  DequantizeLinear: liftDequantizeLinear,
  Clip: liftClip,
};

/**
 * Turns a quantized file's graph into the quantized graph of the private dialect, in place. Handlers are found by operator
 * type; what they do not understand stays and is named with a reason.
 */
export function liftModule(
  module: GraphModule,
  handlers: Readonly<Record<string, LiftHandler>> = LINEAR_HANDLERS,
): Diagnostic[] {
  const { graph } = module;
  const diagnostics: Diagnostic[] = [];
  const lifter = new Lifter(graph, readTrueWidths(module, diagnostics));
  const outputs = graph.outputs.map((value) => ({ value, name: value.name, type: value.type }));
  dropGuards(graph);
  for (const node of graph.ops()) if (isKnownDomain(node)) handlers[node.opType]?.(lifter, node);
  graph.eliminateDeadCode();
  const quantizers = [...graph.ops()].filter(isQuantizer);
  if (quantizers.length > 0) {
    for (const [name, widths] of lifter.widths) restoreSigns(graph, name, widths);
    markOutputs(graph, outputs);
    module.opsets.set(BITWRIGHT_DOMAIN, 1);
  }
  nameWhatStays(lifter);
  return [...diagnostics, ...lifter.diagnostics];
}

/** The standard operators, those of ONNX Runtime, and QONNX's. */
function isKnownDomain(node: OpNode): boolean {
  return node.domain === '' || node.domain === 'com.microsoft' || isQuantNode(node);
}

/** A Sum of one input hides quantizers from the runtime (see the guards of lowering), and is what it reads. */
function dropGuards(graph: Graph): void {
  for (const node of [...graph.ops()]) {
    if (!node.is('Sum') || node.inputs.length !== 1 || graph.outputs.includes(node.output)) continue;
    node.output.replaceAllUsesWith(node.inputs[0]!);
    graph.eraseNode(node);
  }
}

/** Codes at the low end of a carrier stand for a signed grid where the file's metadata says so. */
function restoreSigns(graph: Graph, name: string, { activations, output, pattern }: LayerWidths): void {
  if (activations?.signed !== true && output?.signed !== true) return;
  for (const node of graph.ops()) {
    if (node.displayName !== name) continue;
    if (activations?.signed === true) signed(node.inputs[0]?.producer);
    let [use] = node.outputs[0]?.uses ?? [];
    for (let steps = pattern?.length ?? 1; steps > 1 && use?.node.kind === 'op'; steps--)
      [use] = use.node.outputs[0]?.uses ?? [];
    if (output?.signed === true) signed(use?.node);
    return;
  }
}

function signed(node: Node | undefined): void {
  if (isQuantizer(node)) makeSigned(node);
}

/** Puts a DeQuantStub before each float output that a lifted value became; the output keeps its name. */
function markOutputs(
  graph: Graph,
  before: readonly { readonly value: Value; readonly name: string; readonly type: ValueType | undefined }[],
): void {
  for (const [index, value] of graph.outputs.entries()) {
    const { name, type } = before[index]!;
    if (
      holdsCodes(value) ||
      value.producer.kind === 'placeholder' ||
      (type?.kind === 'tensor' && type.dtype !== 'float')
    )
      continue;
    if (value.name === name) graph.rename(value, graph.freshName(`${name}_float`));
    const stub = graph.createOp({
      opType: 'DeQuantStub',
      domain: BITWRIGHT_DOMAIN,
      name: `${name}_dequantstub`,
      inputs: [value],
      outputs: [{ name, ...(type && { type }) }],
    });
    graph.outputNode.setInput(index, stub.output);
  }
}

/** True for a result in codes, of an operator that stays. */
function holdsCodes({ producer }: Value): boolean {
  return producer.kind === 'op' && isQuantizedOperator(producer) && !producer.is('DequantizeLinear');
}

/** Every quantized operator that is still there has a reason. */
function nameWhatStays(lifter: Lifter): void {
  for (const node of lifter.graph.allOps()) {
    if (!isQuantizedOperator(node) || lifter.wasLeft(node)) continue;
    if (node.graph !== lifter.graph) {
      lifter.leave(node, new Unliftable('LIFT_IN_BODY', 'it stands in the body of an If, Loop or Scan'));
      continue;
    }
    if (node.opType === 'MatMulNBits') {
      lifter.leave(node, new Unliftable('LIFT_BLOCKS', 'its weights have one scale for each block'));
      continue;
    }
    const reader = [...node.outputs.flatMap((value) => [...value.users()])][0];
    const who = reader?.kind === 'op' ? `'${reader.displayName}' (${reader.opType})` : "the model's output";
    lifter.leave(node, new Unliftable('LIFT_OPERATOR', `its codes are read by ${who}`));
  }
}
