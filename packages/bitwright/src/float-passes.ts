import { upgradeOpset } from '@bitwright/capture';
import type { Diagnostic } from '@bitwright/core';
import { fusionRules } from '@bitwright/fusions';
import type { GraphModule } from '@bitwright/graph';
import { applyRules, foldConstants } from '@bitwright/rewrite';

/** What the passes over the float graph did. */
export interface FloatPassReport {
  readonly applied: readonly { readonly rule: string; readonly node: string }[];
  readonly rejected: readonly {
    readonly rule: string;
    readonly node: string;
    readonly code: string;
    readonly reason: string;
  }[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The passes before quantization, in order: opset upgrade, constant folding, fusion. In place. */
export function runFloatPasses(module: GraphModule, opset: number): FloatPassReport {
  const diagnostics: Diagnostic[] = [];
  if (module.opset < opset) upgradeOpset(module, opset);
  foldConstants(module);
  const { applied, rejected } = applyRules(module, fusionRules);
  module.graph.eliminateDeadCode();
  return { applied, rejected, diagnostics };
}
