import { DenseTensor, floatTensor, type Tensor } from '@bitwright/core';
import {
  constantTensor,
  type Graph,
  type GraphModule,
  isQuantizer,
  type OpNode,
  qparamsOf,
} from '@bitwright/graph';
import type { Dialect } from './dialect.js';
import { LINEAR_HANDLERS, liftModule } from './lift/lift-module.js';
import { leaveQuant, liftQuant } from './lift/lift-quant.js';
import { onGrid, removeDeQuantStubs } from './qdq-lowering.js';

/** The domain of QONNX's operators. */
export const QONNX_DOMAIN = 'qonnx.custom_op.general';

/**
 * QONNX's `Quant` nodes for FINN and hls4ml (fastmachinelearning/qonnx, docs/qonnx-custom-ops): weights stay float and lie
 * on their grid; zero points are 0; `narrow` is always written. Executed by the qonnx package, not by stock runtimes.
 */
export const qonnx: Dialect = {
  name: 'qonnx',
  description: "QONNX's Quant nodes, zero point 0, for FINN and hls4ml",
  runsInOnnxRuntime: false,
  zeroPointIsZero: true,
  opsetFor: () => 13,
  lift(module) {
    const diagnostics = liftModule(module, {
      ...LINEAR_HANDLERS,
      Quant: liftQuant,
      IntQuant: liftQuant,
      BipolarQuant: leaveQuant,
      FloatQuant: leaveQuant,
      Trunc: leaveQuant,
    });
    if (![...module.graph.allOps()].some(({ domain }) => domain === QONNX_DOMAIN))
      module.opsets.delete(QONNX_DOMAIN);
    return diagnostics;
  },
  lower(module) {
    const { graph } = module;
    for (const node of [...graph.ops()]) if (isQuantizer(node)) lowerToQuant(graph, node);
    removeDeQuantStubs(graph);
    graph.eliminateDeadCode();
    finishOpsets(module);
    return [];
  },
};

/** Quant(x, scale, zeropt, bitwidth); a per-channel scale is shaped so that it broadcasts against x. */
function lowerToQuant(graph: Graph, node: OpNode): void {
  const spec = qparamsOf(node);
  const source = node.inputs[0]!;
  const tensor = constantTensor(source);
  const base = source.name;
  const shape =
    tensor === undefined || spec.axis === undefined
      ? []
      : tensor.dims.map((dim, i) => (i === spec.axis ? dim : 1));
  const scale = graph.getAttr(`${base}_quant_scale`, new DenseTensor('float', shape, spec.scale), node);
  const zeroPoint = graph.getAttr(`${base}_zeropt`, zeroPointTensor(spec.zeroPoint, shape), node);
  const bitwidth = graph.getAttr(`${base}_bitwidth`, floatTensor([spec.bits], []), node);
  const x = tensor === undefined ? source : graph.getAttr(`${base}_on_grid`, onGrid(node, spec), node).output;
  const narrow = spec.signed && spec.quantMin === -spec.quantMax;
  const name = graph.freshName(`${base}_quant`);
  const made = graph.createOp({
    opType: 'Quant',
    domain: QONNX_DOMAIN,
    name,
    inputs: [x, scale.output, zeroPoint.output, bitwidth.output],
    attributes: { signed: spec.signed ? 1 : 0, narrow: narrow ? 1 : 0, rounding_mode: 'ROUND' },
    outputs: [{ name, ...(node.output.type && { type: node.output.type }) }],
    before: node,
  });
  node.output.replaceAllUsesWith(made.output);
  graph.eraseNode(node);
}

/** One zero point where all are equal, as FINN wants it, else one for each channel. */
function zeroPointTensor(zeroPoints: Int32Array, shape: readonly number[]): Tensor {
  const [first] = zeroPoints;
  return zeroPoints.every((zeroPoint) => zeroPoint === first)
    ? floatTensor([first!], [])
    : floatTensor(zeroPoints, shape);
}

function finishOpsets(module: GraphModule): void {
  module.opsets.delete('ai.bitwright');
  module.opsets.set(QONNX_DOMAIN, 1);
}
