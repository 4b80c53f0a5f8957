import { upgradeOpset } from '@bitwright/capture';
import { equalizeBatchNorms, mergeDuplicates } from '@bitwright/fusions';
import { type GraphModule, lint, nodeName, type OpNode } from '@bitwright/graph';
import { type StatedMoments, statedMoments } from '@bitwright/quantize';
import { applyRules, foldConstants, provenanceOf, type RulesReport } from '@bitwright/rewrite';
import { declareDomains, type Extensions, extensionsOf } from './extensions.js';

/** What the passes over the float graph did. */
export interface FloatPassReport extends Pick<RulesReport, 'applied' | 'rejected'> {
  /** What became of the operators that the model had before. */
  readonly captured: readonly CapturedNode[];
  /** What the batch normalizations stated of their results, as they were when the rules folded them. */
  readonly stated: StatedMoments;
}

/** How the report calls the equalization of channels, beside the rules. */
const EQUALIZATION = 'equalize-batch-norms';

/** An operator of the model as it was captured, and what the passes made of it. */
export interface CapturedNode {
  readonly name: string;
  readonly opType: string;
  /** The operator of the fused graph that stands for it: itself, or what a rule made of it; none where it is gone. */
  readonly now: OpNode | undefined;
  /** Why it is gone, or stands for itself no longer. */
  readonly change?: { readonly code: 'FUSED' | 'REMOVED' | 'FOLDED'; readonly reason: string };
}

/**
 * The passes before quantization, in order: opset upgrade, constant folding, equalization, rules, duplicates, dead code;
 * the graph is verified around each. In place.
 *
 * @param extensions what plugins add; their rules are tried first.
 * @throws GRAPH_INVALID naming the pass, and the errors of rules.
 */
export function runFloatPasses(
  module: GraphModule,
  opset: number,
  { rules, operators }: Pick<Extensions, 'rules' | 'operators'> = extensionsOf(),
): FloatPassReport {
  const before = [...module.graph.allOps()].map((node) => ({
    node,
    name: nodeName(node),
    opType: node.opType,
  }));
  lint(module);
  if (module.opset < opset) upgradeOpset(module, opset);
  lint(module, 'the opset upgrade');
  foldConstants(module);
  lint(module, 'constant folding');
  const folded = new Set(before.flatMap(({ node }) => (node.erased ? [node] : [])));
  const equalized = equalizeBatchNorms(module).map((bn) => ({ rule: EQUALIZATION, node: nodeName(bn) }));
  lint(module, 'the equalization of channels');
  const stated = statedMoments(module);
  const report = applyRules(module, rules);
  const merged = new Map(mergeDuplicates(module).operators.map(({ node, same }) => [node, same]));
  lint(module, 'the merging of duplicates');
  module.graph.eliminateDeadCode();
  declareDomains(module, operators);
  lint(module, 'the removal of dead code');
  const applied = [...equalized, ...report.applied];
  const { rejected } = report;
  const made = madeOf(module);
  const takers = new Map(report.removed.map(({ node, rule }) => [node, rule]));
  const captured = before.map(({ node, name, opType }): CapturedNode => {
    if (!node.erased) return { name, opType, now: node };
    const now = made.get(name);
    if (now !== undefined) {
      const reason = `the rule '${provenanceOf(now)?.rule}' made '${nodeName(now)}' of it`;
      return { name, opType, now, change: { code: 'FUSED', reason } };
    }
    const rule = takers.get(name);
    if (rule !== undefined)
      return {
        name,
        opType,
        now: undefined,
        change: { code: 'REMOVED', reason: `the rule '${rule}' removed it` },
      };
    const twin = merged.get(name);
    if (twin !== undefined)
      return {
        name,
        opType,
        now: undefined,
        change: { code: 'REMOVED', reason: `'${twin}' computes the same` },
      };
    const change = folded.has(node)
      ? ({ code: 'FOLDED', reason: 'it is computed at compile time' } as const)
      : ({ code: 'REMOVED', reason: 'nothing reads its result' } as const);
    return { name, opType, now: undefined, change };
  });
  return { applied, rejected, captured, stated };
}

/** The operators that rules made, by the names of what they stand for. */
function madeOf(module: GraphModule): Map<string, OpNode> {
  const made = new Map<string, OpNode>();
  for (const node of module.graph.allOps())
    for (const name of provenanceOf(node)?.from ?? []) made.set(name, node);
  return made;
}
