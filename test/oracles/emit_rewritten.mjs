/**
 * Reads a model, runs every pass before quantization over it, and writes it again: `node emit_rewritten.mjs IN OUT`. A quantized
 * model is lifted first, and lowered to the dialect qcdq behind the passes. Prints as JSON the rules that were applied, how often
 * each, the dialect that was read, and the numbers of quantizers and of operators.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { captureModel, upgradeOpset } from '@bitwright/capture';
import { siblingFiles } from '@bitwright/core/node';
import { detectDialect, findDialect } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import { equalizeBatchNorms, fusionRules, mergeDuplicates } from '@bitwright/fusions';
import { isQuantizer, lint, quantSpecOf } from '@bitwright/graph';
import { applyRules, foldConstantsWith } from '@bitwright/rewrite';
import { constantEvaluator, openOrtNode } from '@bitwright/runtime';

const [input, output] = process.argv.slice(2);
const module = captureModel(readFileSync(input), { name: input, resolveExternal: siblingFiles(input) });
const dialect = detectDialect(module);
const unread = dialect?.lift(module) ?? [];
if (module.opset < 13) upgradeOpset(module, 13);
// as quantize does it: what has no kernel of ours is computed by running it
await foldConstantsWith(module, constantEvaluator(module, openOrtNode));
equalizeBatchNorms(module);
const { applied } = applyRules(module, fusionRules);
mergeDuplicates(module);
module.graph.eliminateDeadCode();
lint(module, 'the passes');
const operators = [...module.graph.ops()];
const quantizers = operators.filter(isQuantizer);
if (quantizers.length > 0) {
  const qcdq = findDialect('qcdq', true);
  const opset = Math.max(13, ...quantizers.map((node) => qcdq.opsetFor(quantSpecOf(node))));
  if (module.opset < opset) upgradeOpset(module, opset);
  qcdq.lower(module, { allowPairSaturation: true });
}
lint(module, 'lower');
writeFileSync(output, emitBytes(module, { external: 'inline' }));
const rules = {};
for (const { rule } of applied) rules[rule] = (rules[rule] ?? 0) + 1;
console.log(
  JSON.stringify({
    rules,
    dialect: dialect?.name ?? null,
    unread: unread.map(({ code }) => code),
    quantizers: quantizers.length,
    operators: operators.map(({ opType }) => opType),
  }),
);
