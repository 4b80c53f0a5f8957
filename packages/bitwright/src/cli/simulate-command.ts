import { BitwrightError } from '@bitwright/core';
import { Command } from 'commander';
import { positiveInteger } from '../quantize-options.js';
import type { ModelSimulation, SimulateModelOptions } from '../simulate-model.js';
import { printJson, printWarnings, share, table } from './print.js';
import { openProgress } from './progress.js';

interface SimulateFlags {
  readonly hardware?: string;
  readonly eval?: string;
  readonly data?: string;
  readonly samples?: string;
  readonly seeds?: string;
  readonly sweep?: string[];
  readonly allowFloat?: boolean;
  readonly output?: string;
  readonly report?: string;
  readonly plugin?: string[];
  readonly json?: boolean;
}

/** `bitwright simulate`. */
export function simulateCommand(signal: AbortSignal): Command {
  const collect = (value: string, held: string[] = []): string[] => [...held, value];
  return new Command('simulate')
    .description('accuracy on integer-only and analog hardware, exactly')
    .argument('<model>', 'a quantized ONNX file')
    .option('--hardware <name|file>', 'a preset or a hardware description (JSON or TypeScript)')
    .option('--eval <card>', 'data card with labels')
    .option('--data <card>', 'samples for calibrated converter ranges (no labels needed)')
    .option('--samples <n>', 'use the first n samples of --eval')
    .option('--seeds <n>', 'runs with different noise (default 1)')
    .option(
      '--sweep <curve>',
      'accuracy over accumulator-bits, bias-bits, adc-bits, dac-bits, enob or noise, e.g. enob=2..8; may be repeated',
      collect,
    )
    .option('--allow-float', 'let operators without an integer form stay float')
    .option('--output <name>', 'the output that holds the logits')
    .option('--report <file>', 'write an HTML report with sensitivity curves, and its JSON twin')
    .option('--plugin <module>', 'load a plugin, whose noise sources are known too; may be repeated', collect)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  bitwright simulate model.w8a8.onnx --hardware int8-npu-gemmlowp --eval test.json --samples 1000\n',
    )
    .action(async (model: string, flags: SimulateFlags) => {
      const { simulateModel } = await import('../simulate-model.js');
      const options = await toOptions(flags);
      const progress = await openProgress();
      const hooks = { signal, onProgress: progress.update };
      const command = ['bitwright', ...process.argv.slice(2)].join(' ');
      const run = async (): Promise<ModelSimulation> => {
        if (flags.report === undefined) return simulateModel(model, options, hooks);
        const { simulateWithReport } = await import('../simulate-report.js');
        return simulateWithReport(model, options, { path: flags.report, command }, hooks);
      };
      const result = await run().finally(() => progress.stop());
      if (flags.json === true) printJson(result);
      else print(result);
    });
}

async function toOptions(flags: SimulateFlags): Promise<SimulateModelOptions> {
  const { hardware, eval: evaluation, data, allowFloat, output, sweep, plugin = [] } = flags;
  if (hardware === undefined)
    throw missing('--hardware', 'what the model runs on', '--hardware int8-npu-gemmlowp');
  if (evaluation === undefined)
    throw missing('--eval', 'which labelled samples to count on', '--eval test.json');
  const count = (option: string, value: string): number => positiveInteger(option, Number(value));
  const { parseHardwareSweep } = await import('@bitwright/simulate');
  const { loadPlugins } = await import('../node/load-plugins.js');
  const { extensionsOf } = await import('../extensions.js');
  return {
    hardware,
    evaluation,
    ...(sweep && { sweeps: sweep.map(parseHardwareSweep) }),
    noiseSources: extensionsOf(await loadPlugins(plugin)).noiseSources,
    ...(data !== undefined && { data }),
    ...(flags.samples !== undefined && { samples: count('--samples', flags.samples) }),
    ...(flags.seeds !== undefined && { seeds: count('--seeds', flags.seeds) }),
    ...(allowFloat !== undefined && { allowFloat }),
    ...(output !== undefined && { output }),
  };
}

function print(result: ModelSimulation): void {
  printWarnings(result.diagnostics);
  const { correct, total, mean, deviation, layers } = result;
  const counts =
    correct.length === 1
      ? share(correct[0]!, total)
      : `${mean.toFixed(1)} +- ${deviation.toFixed(1)} of ${total} (${correct.join(', ')})`;
  process.stdout.write(
    `${result.path} on ${result.hardware}: ${counts}\n${result.convention}; ${result.engine}, ${result.seconds.toFixed(1)} s\n\n`,
  );
  const sources = [...new Set(layers.flatMap(({ snr }) => Object.keys(snr ?? {})))];
  const head = [
    'layer',
    'bits, any input',
    'bits, on data',
    'overflows',
    ...sources.map((source) => `SNR ${source}, dB`),
  ];
  const rows = layers.map((layer) => [
    layer.name,
    String(layer.accumulatorBits.worstCase),
    String(layer.accumulatorBits.onData),
    String(layer.overflows),
    ...sources.map((source) => layer.snr?.[source]?.toFixed(1) ?? '-'),
  ]);
  process.stdout.write(table([head, ...rows]));
  for (const { name, opType, code, reason } of result.float)
    process.stdout.write(`  float: ${name} (${opType}): ${code}, ${reason}\n`);
  for (const { parameter, points } of result.sweeps) {
    const lines = points.map(({ value, correct: each, total: of }) => [
      String(value),
      each.map((one) => `${one}/${of}`).join(', '),
    ]);
    process.stdout.write(`\n${table([[parameter, 'correct'], ...lines])}`);
  }
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
