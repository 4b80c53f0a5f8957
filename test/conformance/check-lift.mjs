// Reads quantized models into the quantized graph, writes them in the dialect qcdq, and compares what ONNX Runtime computes.
// usage: node test/conformance/check-lift.mjs ROOT LIST START RESULTS
import { readFileSync } from 'node:fs';
import { captureModel, upgradeOpset } from '@bitwright/capture';
import { siblingFiles } from '@bitwright/core/node';
import { detectDialect, findDialect } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import { isQuantizer, lint, quantSpecOf } from '@bitwright/graph';
import { differenceOf } from './compare.mjs';
import { forEachModel } from './for-each-model.mjs';
import { firstThatRuns, givenInputs, open, run } from './sessions.mjs';

await forEachModel(check);

async function check(path) {
  let module;
  try {
    module = captureModel(readFileSync(path), { name: path, resolveExternal: siblingFiles(path) });
  } catch {
    return { outcome: 'refused by capture' };
  }
  const dialect = detectDialect(module);
  if (dialect === undefined) return { outcome: 'float' };
  const before = await open(readFileSync(path), path, 'disabled');
  if (before.session === undefined) return { outcome: 'not loadable' };
  try {
    return { dialect: dialect.name, ...(await compare(path, before.session, rewrite(module, dialect))) };
  } finally {
    await before.session.release();
  }
}

function rewrite(module, dialect) {
  try {
    const reasons = dialect.lift(module).map(({ code }) => code);
    lint(module, 'lift');
    const quantizers = [...module.graph.ops()].filter(isQuantizer);
    if (quantizers.length === 0) return { outcome: 'nothing read', reasons };
    const qcdq = findDialect('qcdq', true);
    const opset = Math.max(13, ...quantizers.map((node) => qcdq.opsetFor(quantSpecOf(node))));
    if (module.opset < opset) upgradeOpset(module, opset);
    qcdq.lower(module, { allowPairSaturation: true });
    lint(module, 'lower');
    return { bytes: emitBytes(module, { external: 'inline' }), reasons };
  } catch (thrown) {
    return { outcome: 'failed', reason: String(thrown.stack ?? thrown) };
  }
}

async function compare(path, session, { bytes, ...made }) {
  if (bytes === undefined) return made;
  const after = await open(bytes, path, 'disabled');
  if (after.session === undefined)
    return { ...made, outcome: 'failed', reason: `does not load: ${after.reason}` };
  try {
    const { feeds, expected } = await firstThatRuns(session, givenInputs(path, session));
    if (typeof feeds === 'string' || expected.failed) return { ...made, outcome: 'not fed' };
    const found = await run(after.session, feeds);
    if (found.failed) return { ...made, outcome: 'failed', reason: found.failed };
    const difference = differenceOf(expected.outputs, found.outputs, 0);
    return { ...made, outcome: difference === undefined ? 'equal' : 'different', reason: difference };
  } finally {
    await after.session.release();
  }
}
