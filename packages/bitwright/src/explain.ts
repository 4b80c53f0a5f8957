import { BitwrightError, didYouMean } from '@bitwright/core';
import { nodeName, type OpNode } from '@bitwright/graph';
import { type EntryExplanation, planLayers, prepare, QConfigResolver } from '@bitwright/quantize';
import type { RuleExplanation } from '@bitwright/rewrite';
import { explainEntries, explainRules, type NearMiss, nearMiss } from './explain-node.js';
import { type CapturedNode, runFloatPasses } from './float-passes.js';
import type { InspectOptions } from './inspect.js';
import { assertFloatModel, loadModel, type ModelInput, modelName } from './model-file.js';
import { type NodeFate, nodeFates } from './node-fates.js';
import { resolveOptions } from './quantize-options.js';

/** Why a node becomes what it becomes: every pattern that was tried at it, and the first condition that failed. */
export interface Explanation {
  readonly path: string;
  readonly node: NodeFate;
  /** Where the rules were tried: at the node in the fused graph, or in the graph before the rules where they took it. */
  readonly stage: 'fused' | 'before-rules';
  /** Every rule, those that came farthest first. */
  readonly rules: readonly RuleExplanation[];
  /** Every entry of the table with an operator of its type, those that came farthest first. */
  readonly table: { readonly backend: string; readonly entries: readonly EntryExplanation[] };
  /** Of all rules and entries that do not fit, the one that came farthest. */
  readonly nearest?: NearMiss;
}

/**
 * Explains one node of a model under a backend's table. Runs nothing and never loads ONNX Runtime.
 *
 * @param name of the node, or of its first output where it has none.
 * @throws NODE_UNKNOWN with the nearest name; MODEL_ALREADY_QUANTIZED; the errors of reading and of rules.
 */
export function explain(model: ModelInput, name: string, options: InspectOptions = {}): Explanation {
  const resolved = resolveOptions({ bits: '8', ...options });
  const module = loadModel(model);
  assertFloatModel(module, modelName(model));
  const { rules } = resolved.extensions;
  const { captured } = runFloatPasses(module, OPSET, resolved.extensions);
  const fused = [...module.graph.allOps()];
  const asked = find(captured, fused, name, modelName(model));
  const resolver = new QConfigResolver(resolved.qconfig);
  const plan = planLayers(module.graph, resolved.backend, resolver);
  const stands = asked.now;
  const early = asked.change === undefined ? undefined : beforeRules(model, name);
  const subject = early ?? stands;
  const tried = subject === undefined ? [] : explainRules(subject, rules);
  const entries = stands === undefined ? [] : explainEntries(stands, resolved.backend, plan);
  const nearest = nearMiss(tried, entries);
  const prepared = prepare(module, resolved.backend, resolver);
  return {
    path: modelName(model),
    node: nodeFates([asked], prepared)[0]!,
    stage: early === undefined ? 'fused' : 'before-rules',
    rules: tried,
    table: { backend: resolved.backend.name, entries },
    ...(nearest && { nearest }),
  };
}

/** The opset that graphs are brought to before rules are applied. */
const OPSET = 13;

/** A node of the file, or one that only the fused graph has. */
function find(
  captured: readonly CapturedNode[],
  fused: readonly OpNode[],
  name: string,
  file: string,
): CapturedNode {
  const found = captured.find((node) => node.name === name);
  if (found !== undefined) return found;
  const made = fused.find(
    (node) => nodeName(node) === name || node.outputs.some((value) => value.name === name),
  );
  if (made !== undefined)
    return captured.find(({ now }) => now === made) ?? { name, opType: made.opType, now: made };
  throw new BitwrightError({
    code: 'NODE_UNKNOWN',
    message: `'${file}' has no node '${name}'.`,
    hint: didYouMean(
      name,
      captured.map((node) => node.name),
    ),
    at: { file, node: name },
  });
}

/** The node in the graph before rules were applied; undefined where it was gone already. */
function beforeRules(model: ModelInput, name: string): OpNode | undefined {
  const module = loadModel(model);
  runFloatPasses(module, OPSET, { rules: [], operators: [] });
  return [...module.graph.allOps()].find((node) => nodeName(node) === name);
}
