import { emitBytes } from '@bitwright/emit';
import { fusionRules } from '@bitwright/fusions';
import { type GraphModule, lint } from '@bitwright/graph';
import { applyRules, foldConstants, type RulesReport } from '@bitwright/rewrite';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { largestDifference, randomInput } from './support.js';

/** A seed of constants and inputs. */
export const seeds = fc.integer({ min: 0, max: 1_000_000 });

/** What became of a model under all rules, and how far its outputs moved. */
export interface Outcome {
  readonly after: GraphModule;
  readonly report: RulesReport;
  readonly difference: number;
}

/** Applies every rule to a copy and compares what both compute, at optimization level `basic` on both sides. */
export async function underAllRules(
  module: GraphModule,
  dims: readonly number[],
  seed: number,
): Promise<Outcome> {
  const after = module.clone();
  foldConstants(after);
  const report = applyRules(after, fusionRules);
  after.graph.eliminateDeadCode();
  lint(after);
  const feeds = { x: randomInput(dims, seed) };
  const difference = largestDifference(await runBasic(module, feeds), await runBasic(after, feeds));
  return { after, report, difference };
}

async function runBasic(
  module: GraphModule,
  feeds: Record<string, ort.Tensor>,
): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(emitBytes(module), {
    graphOptimizationLevel: 'basic',
    logSeverityLevel: 4,
  });
  try {
    return { ...(await session.run(feeds)) };
  } finally {
    await session.release();
  }
}
