// Applies constant folding, every shipped rule and the merging of duplicates to models and compares what ONNX Runtime computes before and after.
// usage: node test/conformance/check-models.mjs ROOT LIST START RESULTS
// LIST names one model a line, below ROOT. A line is added to RESULTS before each model and one after it, so that the caller
// knows which one ended the process, and starts again behind it.
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { siblingFiles } from '@bitwright/core/node';
import { emitBytes } from '@bitwright/emit';
import { fusionRules, mergeDuplicates } from '@bitwright/fusions';
import { lint } from '@bitwright/graph';
import { decodeModel, decodeTensor } from '@bitwright/onnx';
import { applyRules, foldConstants } from '@bitwright/rewrite';
import * as ort from 'onnxruntime-node';
import { differenceOf, toleranceOf } from './compare.mjs';
import { ATTEMPTS, feedsFor } from './feeds.mjs';
import { sortGraph } from './sort-graph.mjs';

const [root, list, start, results] = process.argv.slice(2);
const models = readFileSync(list, 'utf8').trim().split('\n');

for (let index = Number(start); index < models.length; index++) {
  note({ index, began: true });
  note({ index, ...(await check(join(root, models[index]))) });
}

function note(entry) {
  appendFileSync(results, `${JSON.stringify(entry)}\n`);
}

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

/** The model's own inputs, else the first seeded ones that it runs on. */
async function firstThatRuns(session, given) {
  if (given !== undefined) return { feeds: given, expected: await run(session, given) };
  let last;
  for (const attempt of ATTEMPTS) {
    const feeds = feedsFor(session, attempt);
    if (typeof feeds === 'string') return { feeds };
    last = { feeds, expected: await run(session, feeds) };
    if (last.expected.outputs !== undefined) return last;
  }
  return last;
}

async function open(bytes, path) {
  try {
    const data = externalFiles(path);
    return {
      session: await ort.InferenceSession.create(bytes, {
        graphOptimizationLevel: 'basic',
        logSeverityLevel: 4,
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        ...(data.length > 0 && { externalData: data }),
      }),
    };
  } catch (thrown) {
    return { reason: String(thrown.message).split('\n')[0] };
  }
}

/** Files beside the model that it may keep tensors in. */
function externalFiles(path) {
  return readdirSync(dirname(path))
    .filter((name) => /\.(bin|data|weights|tensor\w*)$/.test(name))
    .map((name) => ({ path: name, data: readFileSync(join(dirname(path), name)) }));
}

async function run(session, feeds) {
  try {
    return { outputs: { ...(await session.run(feeds)) } };
  } catch (thrown) {
    return { failed: String(thrown.message ?? thrown).split('\n')[0] };
  }
}

/** The inputs that come with the model; undefined where it has none, or some that are no tensors. */
function givenInputs(path, session) {
  const folder = join(dirname(path), 'test_data_set_0');
  if (!existsSync(folder)) return undefined;
  const feeds = {};
  for (const [i, name] of session.inputNames.entries()) {
    const file = join(folder, `input_${i}.pb`);
    if (!existsSync(file)) return undefined;
    const tensor = tensorOf(readFileSync(file));
    if (tensor === undefined) return undefined;
    feeds[name] = tensor;
  }
  return feeds;
}

const TYPES = { float: 'float32', double: 'float64' };

function tensorOf(bytes) {
  try {
    const { dtype, dims, ...tensor } = Object.assign(Object.create(null), describe(decodeTensor(bytes)));
    const data = dtype === 'string' ? tensor.data.map((text) => Buffer.from(text).toString()) : tensor.data;
    return new ort.Tensor(TYPES[dtype] ?? dtype, data, dims);
  } catch {
    return undefined;
  }
}

function describe(tensor) {
  return { dtype: tensor.dtype, dims: tensor.dims, data: tensor.data() };
}
