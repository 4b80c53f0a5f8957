// Applies constant folding, every shipped rule and the merging of duplicates to models and compares what ONNX Runtime computes before and after.
// usage: node test/conformance/check-models.mjs ROOT LIST START RESULTS
import { readFileSync } from 'node:fs';
import { captureModel } from '@bitwright/capture';
import { siblingFiles } from '@bitwright/core/node';
import { emitBytes } from '@bitwright/emit';
import { fusionRules, mergeDuplicates } from '@bitwright/fusions';
import { lint } from '@bitwright/graph';
import { decodeModel } from '@bitwright/onnx';
import { applyRules, foldConstants } from '@bitwright/rewrite';
import { differenceOf, toleranceOf } from './compare.mjs';
import { forEachModel } from './for-each-model.mjs';
import { firstThatRuns, givenInputs, open, run } from './sessions.mjs';
import { sortGraph } from './sort-graph.mjs';

await forEachModel(check);

async function check(path) {
  const before = await open(readFileSync(path), path);
  if (before.session === undefined) return { outcome: 'not loadable' };
  try {
    const made = rewrite(path);
    if (made.outcome !== undefined) return made;
    return { ...made.facts, ...(await compare(path, before.session, made)) };
  } finally {
    await before.session.release();
  }
}

/** Captures a model; one whose nodes are not in order, which the runtime forgives and the standard does not, is sorted first. */
function capture(path) {
  const options = { name: path, resolveExternal: siblingFiles(path) };
  try {
    return { module: captureModel(readFileSync(path), options), sorted: false };
  } catch (thrown) {
    if (thrown.code !== 'MODEL_NOT_SORTED') throw thrown;
    const model = decodeModel(readFileSync(path));
    return { module: captureModel({ ...model, graph: sortGraph(model.graph) }, options), sorted: true };
  }
}

/** True for an operator whose results differ from session to session. */
function isRandom({ opType, inputs }) {
  return (
    /^(Random|Bernoulli|Multinomial)|BiasDropout/.test(opType) ||
    (opType === 'Dropout' && inputs[2] !== undefined)
  );
}

/** The model after folding and rules; an outcome where there is nothing to compare. */
function rewrite(path) {
  let module;
  let sorted = false;
  try {
    ({ module, sorted } = capture(path));
  } catch (thrown) {
    return { outcome: 'refused by capture', reason: thrown.code ?? String(thrown) };
  }
  try {
    const { folded } = foldConstants(module);
    const { applied } = applyRules(module, fusionRules);
    const merged = mergeDuplicates(module);
    module.graph.eliminateDeadCode();
    lint(module);
    const rules = [...new Set(applied.map(({ rule }) => rule))];
    if (merged.constants + merged.operators.length > 0) rules.push('merge-duplicates');
    if (folded === 0 && rules.length === 0) return { outcome: 'unchanged' };
    if ([...module.graph.allOps()].some(isRandom)) return { outcome: 'random' };
    const bytes = emitBytes(module, { external: 'inline' });
    return { bytes, tolerance: toleranceOf(module), facts: { rules, folded, sorted } };
  } catch (thrown) {
    return { outcome: 'failed', reason: String(thrown.stack ?? thrown) };
  }
}

async function compare(path, session, { bytes, tolerance }) {
  const after = await open(bytes, path);
  if (after.session === undefined) return { outcome: 'failed', reason: `does not load: ${after.reason}` };
  try {
    const { feeds, expected } = await firstThatRuns(session, givenInputs(path, session));
    if (typeof feeds === 'string') return { outcome: 'not fed', reason: feeds };
    const found = await run(after.session, feeds);
    if (expected.failed)
      return found.failed
        ? { outcome: 'fails alike', reason: expected.failed }
        : { outcome: 'not fed', reason: expected.failed };
    if (found.failed) return { outcome: 'failed', reason: found.failed };
    const difference = differenceOf(expected.outputs, found.outputs, tolerance.value);
    if (difference === undefined) return { outcome: 'equal', class: tolerance.name };
    return { outcome: 'different', reason: difference };
  } finally {
    await after.session.release();
  }
}
