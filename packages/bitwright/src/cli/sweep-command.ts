import { BitwrightError } from '@bitwright/core';
import { Command } from 'commander';
import { positiveInteger } from '../quantize-options.js';
import type { SweepOptions, SweepOutcome } from '../sweep.js';
import { EXIT, type Outcome } from './exit-codes.js';
import { collect, observerNames } from './plan-options.js';
import { printJson, printWarnings, share, table } from './print.js';
import { openProgress } from './progress.js';

interface SweepFlags
  extends Omit<
    SweepOptions,
    'data' | 'evaluation' | 'report' | 'samples' | 'evaluationSamples' | 'workers' | 'plugins'
  > {
  readonly plugin?: string[];
  readonly data?: string;
  readonly eval?: string;
  readonly report?: string;
  readonly samples?: string;
  readonly evalSamples?: string;
  readonly workers?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** `bitwright sweep`. */
export function sweepCommand(signal: AbortSignal, outcome: Outcome): Command {
  return new Command('sweep')
    .description('compare models at many widths, with statistics')
    .argument('<models...>', 'float ONNX files')
    .option('--bits <list>', 'widths, as 8,7,6,5,4,3,2 or W4A8,W2A8')
    .option('--grid <axes>', 'every pair of widths, as W=8..2,A=8..2')
    .option('--data <card>', 'data card of the calibration samples')
    .option('--eval <card>', 'data card of the labelled evaluation samples')
    .option('--report <folder>', 'where the journal and the results go')
    .option('--samples <n>', 'calibrate on the first n samples (default 1024)')
    .option('--eval-samples <n>', 'count on the first n evaluation samples (default all)')
    .option('--scheme <list>', 'backend (default), integer-only, academic; separated by commas')
    .option('--method <list>', 'fast, balanced (default), best; separated by commas')
    .option('--emit <folder>', 'write the quantized files')
    .option('--resume', 'go on with the sweep that the report folder holds')
    .option('--output <name>', 'the output that holds the logits')
    .option(
      '--mode <name>',
      'faithful (default) simulates quantizers exactly, default runs the stock session',
    )
    .option('--backend <table>', 'backend table: a name (default onnxruntime-cpu) or a file')
    .option('--bias <form>', 'int32 (default), int16, int8 or float')
    .option('--granularity <name>', 'per-channel (default) or per-tensor weights')
    .option('--weights <form>', 'symmetric (default) or affine')
    .option('--observer <name>', observerNames())
    .option('--weight-observer <name>', 'mse (default) or min-max')
    .option('--power-of-two', 'scales are powers of two')
    .option('--reduce-range', 'one bit less for the weights')
    .option('--keep-float <name>', 'leave a node (name or glob) float; may be repeated', collect)
    .option('--plugin <module>', 'load a plugin: a package, or a local file; may be repeated', collect)
    .option('--memory <size>', 'memory for activations while calibrating (default 1GB)')
    .option('--workers <n>', 'worker threads (default one a core)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  bitwright sweep a.onnx b.onnx --bits 8,6,4 --data calibration.json --eval test.json --report sweep\n',
    )
    .action(async (models: string[], flags: SweepFlags) => {
      const options = await toOptions(flags);
      const { sweep } = await import('../sweep.js');
      const progress = await openProgress();
      const command = ['bitwright', ...process.argv.slice(2)].join(' ');
      const result = await sweep(
        models,
        { ...options, command },
        { signal, onProgress: progress.update },
      ).finally(() => progress.stop());
      if (result.document.runs.some(({ error }) => error !== undefined)) outcome.code = EXIT.error;
      if (flags.json === true) printJson(result.document);
      else print(result, options.report);
    });
}

async function toOptions(flags: SweepFlags): Promise<SweepOptions> {
  const { json: _json, debug: _debug, eval: evaluation, plugin = [], ...rest } = flags;
  const { samples, evalSamples, workers, ...words } = rest;
  const { data, report } = words;
  if (data === undefined) throw missing('--data', 'the calibration samples', '--data calibration.json');
  if (evaluation === undefined) throw missing('--eval', 'the labelled samples', '--eval test.json');
  if (report === undefined) throw missing('--report', 'the folder of the results', '--report sweep');
  const { loadPlugins } = await import('../node/load-plugins.js');
  const count = (option: string, value: string): number => positiveInteger(option, Number(value));
  return {
    ...words,
    data,
    evaluation,
    report,
    ...(samples !== undefined && { samples: count('--samples', samples) }),
    ...(evalSamples !== undefined && { evaluationSamples: count('--eval-samples', evalSamples) }),
    ...(workers !== undefined && { workers: count('--workers', workers) }),
    ...(plugin.length > 0 && { plugins: await loadPlugins(plugin) }),
  };
}

function print({ document, diagnostics }: SweepOutcome, folder: string): void {
  printWarnings(diagnostics);
  const percent = (part: number): string => (100 * part).toFixed(2);
  const rows = [
    ...document.floats.map((float) => ({ ...float, bits: 'float', scheme: '', method: '' })),
    ...document.runs,
  ].map((run) => [
    run.model,
    run.bits,
    run.scheme,
    run.method,
    run.correct === undefined ? '' : share(run.correct, run.total!),
    run.interval === undefined ? '' : `${percent(run.interval.low)} - ${percent(run.interval.high)}`,
    'agreement' in run && run.agreement !== undefined ? `${run.agreement}/${run.total}` : '',
    'divergence' in run && run.divergence !== undefined ? run.divergence.toFixed(4) : '',
    'error' in run && run.error !== undefined ? run.error.code : '',
  ]);
  const head = ['model', 'bits', 'scheme', 'method', 'top-1', '95 % interval', 'agreement', 'KL', ''];
  process.stdout.write(table([head, ...rows]));
  printFailures(document.runs);
  const data = `${document.calibration.samples} calibration samples, ${document.mode} mode`;
  process.stdout.write(
    document.floats.length === 0
      ? `no model could be counted; ${folder} holds the errors\n`
      : `${data}; tables and comparisons (McNemar) are in ${folder}\n`,
  );
}

/** Prints on stderr what failed, each reason once, with the cells that it stopped and its remedy. */
function printFailures(runs: SweepOutcome['document']['runs']): void {
  const cells = new Map<string, string[]>();
  for (const { model, bits, scheme, method, error } of runs) {
    if (error === undefined) continue;
    const text = `${error.message}\n  ${error.hint}`;
    const key = `${error.code} [${model}${error.at.node === undefined ? '' : `, ${error.at.node}`}]: ${text}`;
    cells.set(key, [...(cells.get(key) ?? []), `${bits} ${scheme} ${method}`]);
  }
  for (const [text, stopped] of cells)
    process.stderr.write(`${text}\n  not counted: ${stopped.join(', ')}\n`);
}

function missing(option: string, what: string, example: string): BitwrightError {
  return new BitwrightError({
    code: 'OPTION_MISSING',
    message: `${option} is missing: it names ${what}.`,
    hint: `Write for example: ${example}`,
    at: { option },
    kind: 'usage',
  });
}
