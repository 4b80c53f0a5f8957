import { BitwrightError } from '@bitwright/core';
import { Command } from 'commander';
import { positiveInteger } from '../quantize-options.js';
import { printJson, printWarnings, share, table } from './print.js';
import { openProgress } from './progress.js';

interface EvaluateFlags {
  readonly data?: string;
  readonly samples?: string;
  readonly reference?: string;
  readonly faithful?: boolean;
  readonly output?: string;
  readonly json?: boolean;
}

/** `bitwright evaluate`. */
export function evaluateCommand(signal: AbortSignal): Command {
  return new Command('evaluate')
    .description('count correct answers of classifiers on labelled data')
    .argument('<models...>', 'ONNX files, float or quantized')
    .option('--data <card>', 'data card with labels')
    .option('--samples <n>', 'use the first n samples')
    .option('--reference <model>', 'count agreement with this model, usually the float one')
    .option('--faithful', 'simulate quantizers exactly instead of running the stock session')
    .option('--output <name>', 'the output that holds the logits')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  bitwright evaluate model.w4a4.onnx --data test.json --reference model.onnx\n',
    )
    .action(async (models: string[], flags: EvaluateFlags) => {
      const { data, samples, reference, faithful, output } = flags;
      if (data === undefined) throw missingData();
      const count = samples === undefined ? undefined : positiveInteger('--samples', Number(samples));
      const { evaluateModels } = await import('../evaluate-models.js');
      const progress = await openProgress();
      const results = await evaluateModels(
        models,
        {
          data,
          ...(count !== undefined && { samples: count }),
          ...(reference !== undefined && { reference }),
          ...(faithful !== undefined && { faithful }),
          ...(output !== undefined && { output }),
        },
        { signal, onProgress: progress.update },
      ).finally(() => progress.stop());
      if (flags.json === true) {
        printJson({ models: results });
        return;
      }
      printWarnings(results.flatMap((result) => result.diagnostics));
      const head = [
        'model',
        'top-1',
        ...(reference === undefined ? [] : ['agreement']),
        'seconds',
        'convention',
      ];
      const rows = results.map((result) => [
        result.path,
        share(result.correct, result.total),
        ...(result.agreement === undefined ? [] : [`${result.agreement}/${result.total}`]),
        result.seconds.toFixed(1),
        `${result.convention}; ${result.mode} mode`,
      ]);
      process.stdout.write(table([head, ...rows]));
    });
}

function missingData(): BitwrightError {
  return new BitwrightError({
    code: 'OPTION_MISSING',
    message: '--data is missing: it says which labelled samples to count on.',
    hint: 'Write for example: --data test.json',
    at: { option: '--data' },
    kind: 'usage',
  });
}
