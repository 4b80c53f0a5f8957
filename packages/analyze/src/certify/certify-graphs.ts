import { type GraphModule, nodeName, type OpNode } from '@bitwright/graph';
import type { CertificateDocument, CertifiedNode } from './certificate-document.js';
import { dataNodes } from './file-graph.js';
import { type FloatRule, floatReason } from './float-reason.js';
import { KernelMap, type RunningKernel } from './map-kernels.js';
import { pairRisk } from './pair-risk.js';

/** A model's file and what the runtime has made of it. */
export interface CertifiedGraphs {
  readonly path: string;
  readonly file: GraphModule;
  readonly optimized: GraphModule;
  /** Name and version of the runtime. */
  readonly runtime: string;
}

/** Says of every node of a file which kernel runs it, why it is float where it is, and which layers may saturate. */
export function certifyGraphs({ path, file, optimized, runtime }: CertifiedGraphs): CertificateDocument {
  const kernels = new KernelMap(file.graph, optimized.graph);
  const nodes: CertifiedNode[] = [];
  for (const node of dataNodes(file.graph)) {
    const found = kernels.find(node);
    // what the optimizer took out (an Identity, a Dropout) runs nowhere
    if (found === undefined) continue;
    const identity = { name: nodeName(node), opType: node.opType };
    const into = nodeName(found.node) === nodeName(node) ? {} : { into: nodeName(found.node) };
    if (found.integer) nodes.push({ ...identity, runs: 'integer', kernel: found.kernel, ...into });
    else
      nodes.push({
        ...identity,
        runs: 'float',
        kernel: found.kernel,
        ...into,
        ...reasonOf(node, found, kernels),
      });
  }
  const saturation = [...file.graph.ops()].flatMap((node) => pairRisk(node) ?? []);
  const integer = nodes.filter(({ runs }) => runs === 'integer').length;
  return {
    kind: 'bitwright.certificate',
    version: 1,
    model: path,
    runtime,
    nodes,
    integer,
    total: nodes.length,
    saturation,
  };
}

/** Why a node is float: a Relu or Clip that runs as part of the layer before it is float for that one's reason. */
function reasonOf(node: OpNode, found: RunningKernel, kernels: KernelMap): FloatRule {
  const before = node.inputs[0]?.producer;
  if ((!node.is('Relu') && !node.is('Clip')) || before?.kind !== 'op') return floatReason(node);
  if (kernels.find(before)?.node !== found.node) return floatReason(node);
  const { code } = floatReason(before);
  return { code, reason: `it runs as part of '${nodeName(before)}', which is float` };
}
