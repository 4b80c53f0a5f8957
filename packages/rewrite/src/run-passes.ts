import { type GraphModule, lint } from '@bitwright/graph';
import { type ApplyRulesOptions, applyRules, type RulesReport } from './apply-rules.js';
import type { Rule } from './rule.js';

/** A named step over a whole module, in place. */
export interface Pass<R = unknown> {
  readonly name: string;
  run(module: GraphModule): R | Promise<R>;
}

/** What a pass reported. */
export interface PassReport<R = unknown> {
  readonly pass: string;
  readonly report: R;
  readonly milliseconds: number;
}

/** How passes are run. */
export interface RunPassesOptions {
  /** Called after each pass, e.g. to print the graph. */
  readonly onPass?: (pass: string, module: GraphModule) => void;
}

/**
 * Runs passes in order and verifies the module before the first and after each.
 *
 * @throws GRAPH_INVALID naming the pass that damaged the graph, and whatever a pass throws.
 */
export async function runPasses<R>(
  module: GraphModule,
  passes: readonly Pass<R>[],
  { onPass }: RunPassesOptions = {},
): Promise<PassReport<R>[]> {
  const reports: PassReport<R>[] = [];
  lint(module);
  for (const pass of passes) {
    const start = performance.now();
    const report = await pass.run(module);
    lint(module, pass.name);
    reports.push({ pass: pass.name, report, milliseconds: performance.now() - start });
    onPass?.(pass.name, module);
  }
  return reports;
}

/** Rules as a pass. */
export function rulesPass(
  name: string,
  rules: readonly Rule[],
  options?: ApplyRulesOptions,
): Pass<RulesReport> {
  return { name, run: (module) => applyRules(module, rules, options) };
}
