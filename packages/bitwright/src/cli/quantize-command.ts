import { BitwrightError } from '@bitwright/core';
import { type BudgetReport, CORRECTIONS, costText, formatBits, RECIPES } from '@bitwright/quantize';
import { Command, Option } from 'commander';
import { type AccumulatorDocument, proofPath } from '../accumulator-document.js';
import type { BitwrightConfig } from '../config.js';
import type { QuantizeResult } from '../quantize.js';
import { positiveInteger, type QuantizeOptions } from '../quantize-options.js';
import type { RunHooks } from '../run-hooks.js';
import { observerNames } from './plan-options.js';
import { printJson, printWarning, printWarnings, share } from './print.js';
import { openProgress } from './progress.js';

/** The options as commander hands them over: all of them optional strings or flags. */
export interface QuantizeFlags {
  readonly output?: string;
  readonly bits?: string;
  readonly data?: string;
  readonly samples?: string;
  readonly backend?: string;
  readonly scheme?: string;
  readonly method?: string;
  readonly dialect?: string;
  readonly bias?: string;
  readonly granularity?: string;
  readonly weights?: string;
  readonly observer?: string;
  readonly weightObserver?: string;
  readonly rounding?: string;
  readonly equalize?: boolean;
  readonly correct?: string;
  readonly powerOfTwo?: boolean;
  readonly reduceRange?: boolean;
  readonly accumulatorBits?: string;
  readonly keepFloat?: string[];
  readonly requantize?: boolean;
  readonly budget?: string;
  readonly latency?: string;
  readonly front?: string;
  readonly maxDrop?: string;
  readonly eval?: string;
  readonly memory?: string;
  readonly workers?: string;
  readonly seed?: string;
  readonly saveRanges?: string;
  readonly ranges?: string;
  readonly provenance?: boolean;
  readonly config?: string;
  readonly plugin?: string[];
  readonly report?: string;
  readonly json?: boolean;
}

/** `bitwright quantize`. */
export function quantizeCommand(signal: AbortSignal): Command {
  const collect = (value: string, held: string[] = []): string[] => [...held, value];
  return new Command('quantize')
    .description('quantize a float model')
    .argument('<model>', 'the float ONNX file')
    .option('-o, --output <file>', 'where the quantized model goes')
    .option('--bits <bits>', 'W4A4, W2A8, or 8 for both; widths 2..8 and 16')
    .option('--data <card>', 'data card of the calibration samples (no labels needed)')
    .option('--samples <n>', 'use the first n samples (default 1024)')
    .option('--backend <table>', 'backend table: a name (default onnxruntime-cpu) or a file')
    .option('--scheme <name>', 'backend (default), integer-only or academic')
    .option('--method <name>', 'fast, balanced (default) or best; see below')
    .option('--dialect <name>', 'auto (default), qdq, qcdq, native or qonnx')
    .option('--bias <form>', 'int32 (default), int16, int8 or float')
    .option('--granularity <name>', 'per-channel (default) or per-tensor weights')
    .option('--weights <form>', 'symmetric (default) or affine')
    .option('--observer <name>', observerNames())
    .option('--weight-observer <name>', 'mse (default) or min-max')
    .option(
      '--rounding <name>',
      "instead of the method's: nearest, squant, gptq, coordinate-descent or adaround",
    )
    .option('--equalize', 'bring channels of layers to like sizes first (default with per-tensor)')
    .option('--correct <list>', "corrections beside the method's, separated by commas; see below")
    .option('--power-of-two', 'scales are powers of two')
    .option('--reduce-range', 'one bit less for the weights')
    .option(
      '--accumulator-bits <n>',
      'round weights so that no input overflows a signed accumulator of n bits',
    )
    .option('--keep-float <name>', 'leave a node (name or glob) float; may be repeated', collect)
    .option('--requantize', 'start from a quantized model; with its own widths only the dialect changes')
    .option(
      '--budget <budget>',
      'choose widths of weights by layer: size=0.5, size=120KB, bops=0.5, latency=5ms',
    )
    .option('--latency <file>', 'the times of your device, for a budget of latency')
    .option('--front <folder>', 'with --budget: quantize and write the other points of its search too')
    .option('--max-drop <percent>', 'exit with code 3 when accuracy drops by more points (with --eval)')
    .option('--eval <card>', 'labelled data for --max-drop; never chooses anything')
    .option('--memory <size>', 'memory for activations while calibrating (default 1GB)')
    .option('--workers <n>', 'threads that share the calibration of fast (default one a core)')
    .option('--seed <n>', 'seed of the random choices of best (default 1)')
    .option('--save-ranges <file>', 'write the calibrated ranges')
    .option('--ranges <file>', 'use saved ranges instead of calibrating')
    .option('--provenance', 'write into each node that a rule made where it comes from')
    .option('--config <file>', 'configuration file (.ts, .js or .json); options override it')
    .option('--plugin <module>', 'load a plugin; may be repeated', collect)
    .option('--report <file>', 'write an HTML report')
    .addOption(new Option('--json', 'print one JSON document'))
    .addHelpText('after', helpBelow())
    .action(async (model: string, flags: QuantizeFlags) => {
      const options = await toOptions(flags);
      const progress = await openProgress();
      const hooks = { signal, onProgress: progress.update, onDiagnostic: printWarning };
      const result = await run(model, options, flags.report, hooks).finally(() => progress.stop());
      printResult(result, flags.json === true);
    });
}

async function run(
  model: string,
  options: QuantizeOptions & { readonly front?: string },
  report: string | undefined,
  hooks: RunHooks,
): Promise<QuantizeResult> {
  const { front } = options;
  if (report === undefined && front !== undefined)
    return (await import('../quantize-front.js')).quantizeFront(model, { ...options, front }, hooks);
  if (report === undefined) return (await import('../quantize.js')).quantize(model, options, hooks);
  const { quantizeWithReport } = await import('../quantize-report.js');
  const command = `bitwright ${process.argv.slice(2).join(' ')}`;
  return quantizeWithReport(model, options, { path: report, command }, hooks);
}

function helpBelow(): string {
  const methods = RECIPES.map(({ name, description }) => `  ${name.padEnd(10)}${description}\n`);
  const corrections = CORRECTIONS.map(({ name, description }) => `  ${name.padEnd(16)}${description}\n`);
  return `\nMethods:\n${methods.join('')}\nCorrections:\n${corrections.join('')}\nExample:\n  bitwright quantize model.onnx -o model.w4a4.onnx --bits W4A4 --data calibration.json\n`;
}

/** The choices of a configuration file with the command line's laid over them. */
async function toOptions(flags: QuantizeFlags): Promise<QuantizeOptions & { readonly front?: string }> {
  const config: BitwrightConfig =
    flags.config === undefined ? {} : await (await import('../node/load-config.js')).loadConfig(flags.config);
  const { loadPlugins } = await import('../node/load-plugins.js');
  const {
    json: _json,
    config: _config,
    plugin = [],
    keepFloat,
    samples,
    correct,
    accumulatorBits,
    workers,
    seed,
    eval: evaluation,
    ...words
  } = flags;
  if (flags.output === undefined)
    throw missing('-o', 'where the quantized model goes', 'bitwright quantize model.onnx -o out.onnx …');
  const bits = flags.bits ?? config.bits;
  if (bits === undefined && flags.requantize !== true) throw missing('--bits', 'the widths', '--bits W4A4');
  return {
    ...config,
    ...(words as Partial<QuantizeOptions>),
    ...(bits !== undefined && { bits }),
    ...(samples !== undefined && { samples: positiveInteger('--samples', Number(samples)) }),
    ...(correct !== undefined && { correct: namesOf(correct) }),
    ...(accumulatorBits !== undefined && { accumulatorBits: Number(accumulatorBits) }),
    ...(workers !== undefined && { workers: positiveInteger('--workers', Number(workers), 2) }),
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(evaluation !== undefined && { evaluation }),
    plugins: [...(config.plugins ?? []), ...(await loadPlugins(plugin))],
    keepFloat: [...(config.keepFloat ?? []), ...(keepFloat ?? [])],
  };
}

/** The names of a list with commas. */
function namesOf(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function missing(option: string, what: string, example: string): BitwrightError {
  return new BitwrightError({
    code: 'OPTION_MISSING',
    message: `${option} is missing: it says ${what}.`,
    hint: `Write for example: ${example}`,
    at: { option },
    kind: 'usage',
  });
}

function printResult(result: QuantizeResult, json: boolean): void {
  const { bytes, accumulators, ...document } = result;
  if (json) {
    const proof = accumulators && proofSummary(accumulators, result.output);
    printJson({ ...document, ...(proof && { accumulators: proof }), bytes: bytes.length });
    return;
  }
  // this one was printed before anything was quantized
  printWarnings(result.diagnostics.filter(({ code }) => code !== 'W-FP32-FIRST'));
  const quantized = result.layers.filter((layer) => layer.float === undefined).length;
  const { seconds } = result;
  process.stdout.write(
    `${result.output}: ${formatBits(result.bits)}, scheme ${result.scheme}, method ${result.method}, dialect ${result.dialect}\n` +
      `${quantized} operator groups quantized, ${result.layers.length - quantized} left float, ${result.samples} calibration samples, ` +
      `${seconds.total.toFixed(1)} s, ${Math.round(result.peakRssBytes / 2 ** 20)} MB\n`,
  );
  if (accumulators !== undefined) printProof(accumulators, result.output);
  printCorrections(result.corrections);
  if (result.budget !== undefined) printBudget(result.budget);
  for (const { layer, before, after, bytes } of result.promotions ?? [])
    process.stdout.write(
      `  promote ${layer} to 8 bits: ${inDecibels(before)} becomes ${inDecibels(after)} at the output, ${bytes} bytes more\n`,
    );
  const left = result.layers.filter((layer) => layer.float !== undefined);
  for (const { name, opType, float } of left)
    process.stdout.write(`  float: ${name} (${opType}): ${float!.code}, ${float!.reason}\n`);
  if (result.accuracy !== undefined) {
    const { float, quantized: after } = result.accuracy;
    process.stdout.write(
      `accuracy: float ${share(float.correct, float.total)}, quantized ${share(after.correct, after.total)}\n`,
    );
  }
}

/** Places where a correction was not made that are printed; beyond these they are counted. */
const SHOWN = 3;

/** How many places each correction changed, and why it was not made at the others. */
function printCorrections(outcomes: QuantizeResult['corrections']): void {
  for (const name of new Set(outcomes.map(({ correction }) => correction))) {
    const places = outcomes.filter(({ correction }) => correction === name);
    const refused = places.filter(({ applied }) => !applied);
    process.stdout.write(`${name}: made at ${places.length - refused.length} of ${places.length} places\n`);
    for (const { node, detail } of refused.slice(0, SHOWN))
      process.stdout.write(`  not at ${node}: ${detail}\n`);
    if (refused.length > SHOWN)
      process.stdout.write(`  nor at ${refused.length - SHOWN} more; --json has them all\n`);
  }
}

function inDecibels(value: number | null): string {
  return value === null ? 'exact' : `${value.toFixed(1)} dB`;
}

/** The proof in short; every channel stands in the file beside the model. */
function proofSummary(
  { accumulatorBits, holds, layers, unproven }: AccumulatorDocument,
  output: string | undefined,
) {
  return {
    ...(output !== undefined && { file: proofPath(output) }),
    ...{ accumulatorBits, holds, layers: layers.length, unproven: unproven.length },
  };
}

function printProof(proof: AccumulatorDocument, output: string | undefined): void {
  const { accumulatorBits, layers, unproven, file } = proofSummary(proof, output);
  const rest = unproven === 0 ? '' : `, nothing is proved of ${unproven} more`;
  process.stdout.write(
    `no input overflows ${accumulatorBits} bits in ${layers} layers${rest}; the proof: ${file}\n`,
  );
}

function printBudget({ asked, kind, layers, limit, reached, eightBit, unit }: BudgetReport): void {
  process.stdout.write(
    `budget ${asked}: ${costText(kind, reached)} of ${costText(kind, limit)} ${unit}, ${((100 * reached) / eightBit).toFixed(1)}% of 8-bit weights\n` +
      layers.map(({ name, bits, fixed }) => `  ${bits} bits: ${name}${fixed ? ' (fixed)' : ''}\n`).join(''),
  );
}
