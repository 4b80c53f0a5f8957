import { formatBits, parseBits } from '@bitwright/quantize';
import { Command } from 'commander';
import type { Inspection, InspectOptions } from '../inspect.js';
import { collect, planOptions } from './plan-options.js';
import { printJson, printWarnings, table } from './print.js';

interface InspectFlags extends Omit<InspectOptions, 'plugins'> {
  readonly plugin?: string[];
  readonly ir?: boolean;
  readonly json?: boolean;
}

/** `bitwright inspect`. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('what is in a model, what would be quantized, and what would not and why')
    .argument('<model>', 'an ONNX file')
    .option('--backend <table>', 'backend table: a name (default onnxruntime-cpu) or a file')
    .option('--scheme <name>', 'backend (default), integer-only or academic')
    .option('--plugin <module>', 'load a plugin; may be repeated', collect)
    .option('--bits <bits>', 'plan for these widths (default 8)')
    .option('--ir', 'print the graph after the passes, with its quantizers')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  bitwright inspect model.onnx --scheme integer-only\n')
    .action(async (model: string, flags: InspectFlags) => {
      const { ir, json, ...words } = flags;
      const { inspect } = await import('../inspect.js');
      const { module, ...report } = inspect(model, await planOptions(words));
      if (ir === true) {
        const { printModule } = await import('@bitwright/graph');
        const text = printModule(module, { maxElements: 16 });
        if (json === true) printJson({ ...report, ir: text });
        else process.stdout.write(text);
        return;
      }
      if (json === true) {
        printJson(report);
        return;
      }
      printWarnings(report.diagnostics);
      process.stdout.write(describe(report, words));
    });
}

function describe(report: Omit<Inspection, 'module'>, { bits, scheme, backend }: InspectFlags): string {
  const shape = (dims: Inspection['inputs'][number]['shape']): string =>
    `[${(dims ?? ['?']).map((dim) => dim ?? '?').join(', ')}]`;
  const value = ({ name, dtype, shape: dims }: Inspection['inputs'][number]): string =>
    `${name} ${dtype ?? '?'}${shape(dims)}`;
  const operators = Object.entries(report.operators)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`);
  const lines = [
    `${report.path}: ${report.convention}, IR ${report.irVersion}, opset ${report.opset}, ${report.producer}`,
    `inputs: ${report.inputs.map(value).join('; ')}`,
    `outputs: ${report.outputs.map(value).join('; ')}`,
    `operators: ${operators.join(', ')}`,
    `parameters: ${report.parameters}`,
  ];
  if (report.layers.length === 0) return `${lines.join('\n')}\n`;
  const quantized = report.layers.filter((layer) => layer.float === undefined);
  lines.push(
    `would be quantized: ${quantized.length} groups; would stay float: ${report.layers.length - quantized.length}`,
    `planned for ${bits === undefined ? 'W8A8, the default; --bits plans for others' : formatBits(parseBits(bits))}; ${scheme === undefined || scheme === 'backend' ? `the table ${backend ?? 'onnxruntime-cpu'}` : `the scheme ${scheme}`}`,
    '',
  );
  const rows = report.layers.map((layer) => [
    layer.name,
    layer.pattern?.join('+') ?? layer.opType,
    layer.float === undefined
      ? `${layer.weights === undefined ? '' : `W${layer.weights.bits} `}${layer.activations === undefined ? '' : `A${layer.activations.bits}`}`
      : 'float',
    layer.float === undefined ? '' : `${layer.float.code}: ${layer.float.reason}`,
  ]);
  const folded = report.nodes.filter(({ code }) => code === 'FOLDED').length;
  if (folded > 0) lines.splice(-1, 0, `computed at compile time: ${folded} operators`);
  return `${lines.join('\n')}\n${table([['node', 'pattern', 'becomes', 'why'], ...rows])}${describeGone(report.nodes)}`;
}

/** The operators of the file that became part of others or are gone, counted by why. */
function describeGone(nodes: Inspection['nodes']): string {
  const counts = new Map<string, { readonly row: readonly string[]; count: number }>();
  for (const { opType, code, reason } of nodes) {
    if (code !== 'FUSED' && code !== 'REMOVED') continue;
    const why = /^the rule '[^']+'/.exec(reason)?.[0] ?? reason;
    const key = `${opType} ${code} ${why}`;
    const held = counts.get(key) ?? { row: [opType, code, why], count: 0 };
    held.count++;
    counts.set(key, held);
  }
  if (counts.size === 0) return '';
  const rows = [...counts.values()].map(({ row, count }) => [String(count), ...row]);
  return `\n${table([['count', 'operator', 'becomes', 'why'], ...rows])}--json says it of each node, \`bitwright explain\` all of one.\n`;
}
