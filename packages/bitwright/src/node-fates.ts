import { nodeName, type OpNode } from '@bitwright/graph';
import type { PreparedModel } from '@bitwright/quantize';
import type { CapturedNode } from './float-passes.js';

/** What becomes of one operator of the model as it stands in the file. */
export interface NodeFate {
  readonly name: string;
  readonly opType: string;
  /** `QUANTIZED`, `FUSED`, `REMOVED`, `FOLDED`, or why it stays float; each is explained in the reference of errors. */
  readonly code: string;
  readonly reason: string;
  /** The operator of the fused graph that stands for it. */
  readonly becomes?: string;
}

/** The fate of every operator of the captured model, in its order. Call it before lowering. */
export function nodeFates(captured: readonly CapturedNode[], prepared: PreparedModel): NodeFate[] {
  const groups = new Map<OpNode, string>();
  for (const layer of prepared.layers)
    for (const node of layer.nodes) groups.set(node, layer.entry.pattern.join('+'));
  const outcome = (node: OpNode): { readonly code: string; readonly reason: string } => {
    const group = groups.get(node);
    if (group !== undefined) return { code: 'QUANTIZED', reason: `the table's entry ${group} claims it` };
    return (
      prepared.float.get(node) ?? {
        code: 'FLOAT_IN_BODY',
        reason: 'it stands in the body of an If, Loop or Scan',
      }
    );
  };
  return captured.map(({ name, opType, now, change }) => {
    if (now === undefined || now.erased)
      return { name, opType, ...(change ?? { code: 'REMOVED', reason: 'nothing reads its result' }) };
    const becomes = nodeName(now);
    const fate = outcome(now);
    if (change === undefined) return { name, opType, ...fate, becomes };
    const reason = `${change.reason}, which ${fate.code === 'QUANTIZED' ? 'is quantized' : 'stays float'}: ${fate.reason}`;
    return { name, opType, code: change.code, reason, becomes };
  });
}
