import { BitwrightError } from '@bitwright/core';
import { Command } from 'commander';
import { oneOf, positiveInteger } from '../quantize-options.js';
import { printJson } from './print.js';

interface ExportFlags {
  readonly to?: string;
  readonly as?: string;
  readonly hardware?: string;
  readonly data?: string;
  readonly samples?: string;
  readonly json?: boolean;
}

/** `bitwright export`. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write a quantized model as integers, C, memory images, integer ONNX or in another dialect')
    .argument('<model>', 'a quantized ONNX file')
    .option('--to <folder>', 'where the files go')
    .option('--as <form>', 'integers (default), integer-onnx, c, memh, qdq, qcdq, native or qonnx')
    .option('--hardware <name|file>', 'what the integers are for (default: exact 32-bit sums)')
    .option('--data <card>', 'samples for golden vectors')
    .option('--samples <n>', 'how many of them (default 1)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  bitwright export model.w8a8.onnx --to integers --data test.json --samples 4\n',
    )
    .action(async (model: string, flags: ExportFlags) => {
      const { to, hardware, data } = flags;
      if (to === undefined) {
        throw new BitwrightError({
          code: 'OPTION_MISSING',
          message: '--to is missing: it says which folder the files go to.',
          hint: 'Write for example: --to integers',
          at: { option: '--to' },
          kind: 'usage',
        });
      }
      const { EXPORT_FORMS, exportModel } = await import('../export-model.js');
      const result = await exportModel(model, {
        to,
        ...(flags.as !== undefined && { as: oneOf('--as', flags.as, EXPORT_FORMS) }),
        ...(hardware !== undefined && { hardware }),
        ...(data !== undefined && { data }),
        ...(flags.samples !== undefined && { samples: positiveInteger('--samples', Number(flags.samples)) }),
      });
      if (flags.json === true) printJson(result);
      else process.stdout.write(written(result.files, to));
    });
}

/** Files that are named; beyond these they are counted. */
const NAMED = 6;

function written(files: readonly string[], folder: string): string {
  const names = files.slice(0, NAMED).map((file) => `  ${file}\n`);
  const more = files.length > NAMED ? `  and ${files.length - NAMED} more\n` : '';
  return `${files.length === 1 ? '1 file' : `${files.length} files`} written to ${folder}\n${names.join('')}${more}`;
}
