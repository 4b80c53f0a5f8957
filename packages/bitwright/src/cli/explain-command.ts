import { Command } from 'commander';
import type { Explanation } from '../explain.js';
import type { InspectOptions } from '../inspect.js';
import { collect, planOptions } from './plan-options.js';
import { printJson } from './print.js';

interface ExplainFlags extends Omit<InspectOptions, 'plugins'> {
  readonly plugin?: string[];
  readonly json?: boolean;
}

/** `bitwright explain`. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('every pattern tried at a node, and the first condition that failed')
    .argument('<model>', 'an ONNX file')
    .argument('<node>', "a node's name, or the name of its first output where it has none")
    .option('--backend <table>', 'backend table: a name (default onnxruntime-cpu) or a file')
    .option('--scheme <name>', 'backend (default), integer-only or academic')
    .option('--plugin <module>', 'load a plugin; may be repeated', collect)
    .option('--bits <bits>', 'for these widths (default 8)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  bitwright explain model.onnx conv1 --backend onnxruntime-cpu\n')
    .action(async (model: string, node: string, flags: ExplainFlags) => {
      const { json, ...words } = flags;
      const { explain } = await import('../explain.js');
      const explanation = explain(model, node, await planOptions(words));
      if (json === true) printJson(explanation);
      else process.stdout.write(describe(explanation));
    });
}

function describe({ node, stage, rules, table, nearest }: Explanation): string {
  const lines = [`${node.name} (${node.opType}): ${node.code}, ${node.reason}`];
  if (nearest !== undefined) {
    const { pattern, of, failed } = nearest;
    lines.push(`nearest miss: ${pattern} of ${of}, ${failure(failed)}`);
  }
  const concerned = rules.filter(({ concerns }) => concerns);
  const where = stage === 'fused' ? 'in the fused graph' : 'before rules were applied';
  lines.push('', `rules with its operator (${concerned.length} of ${rules.length}), ${where}:`);
  for (const rule of concerned) lines.push(`  ${rule.rule}: ${ruleOutcome(rule)}`, `    ${rule.pattern}`);
  lines.push('', `entries of the table '${table.backend}' with its operator: ${table.entries.length}`);
  for (const entry of table.entries) lines.push(`  ${entry.pattern}: ${entryOutcome(entry)}`);
  return `${lines.join('\n')}\n`;
}

type Failure = NonNullable<Explanation['nearest']>['failed'];

function failure({ node, value, needed, found }: Failure): string {
  return `at '${node}'${value === undefined ? '' : ` ('${value}')`}: needed ${needed}, found ${found}`;
}

function ruleOutcome({ outcome, depth, failed, rejection }: Explanation['rules'][number]): string {
  if (outcome === 'matches') return 'fits';
  if (rejection !== undefined) {
    const culprit = rejection.culprit === undefined ? '' : ` ['${rejection.culprit}']`;
    return `fits, and refuses: ${rejection.code}${culprit}, ${rejection.message}`;
  }
  return failed === undefined ? 'does not fit' : `${depth} conditions held, then ${failure(failed)}`;
}

function entryOutcome({ outcome, failed, refusal }: Explanation['table']['entries'][number]): string {
  if (failed !== undefined) return failure(failed);
  if (outcome === 'claims') return 'claims it';
  return refusal === undefined ? 'fits' : `fits, but ${refusal.code}: ${refusal.reason}`;
}
