import type { DiffDocument } from '@bitwright/analyze';
import { Command } from 'commander';
import { positiveInteger } from '../quantize-options.js';
import { printJson, table } from './print.js';
import { openProgress } from './progress.js';

interface DiffFlags {
  readonly data?: string;
  readonly samples?: string;
  readonly output?: string;
  readonly json?: boolean;
}

/** `bitwright diff`. */
export function diffCommand(signal: AbortSignal): Command {
  return new Command('diff')
    .description('two quantized models compared: layers, scales, decisions, and results on data')
    .argument('<first>', 'an ONNX file')
    .argument('<second>', 'an ONNX file')
    .option('--data <card>', 'compare what the layers make of these samples')
    .option('--samples <n>', 'use the first n samples (default 64)')
    .option('--output <name>', 'the output that holds the logits')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  bitwright diff monday.onnx tuesday.onnx --data test.json\n')
    .action(async (first: string, second: string, flags: DiffFlags) => {
      const { diff } = await import('../diff.js');
      const { data, samples, output } = flags;
      const progress = await openProgress();
      const document = await diff(
        first,
        second,
        {
          ...(data !== undefined && { data }),
          ...(samples !== undefined && { samples: positiveInteger('--samples', Number(samples)) }),
          ...(output !== undefined && { output }),
        },
        { signal, onProgress: progress.update },
      ).finally(() => progress.stop());
      if (flags.json === true) printJson(document);
      else print(document);
    });
}

function print(document: DiffDocument): void {
  const { first, second, settings, layers, outputs } = document;
  const lines = [
    `first:  ${first.path}: ${first.convention}\n`,
    `second: ${second.path}: ${second.convention}\n`,
  ];
  for (const { key, first: a, second: b } of settings)
    lines.push(`${key}: ${a || 'none'} became ${b || 'none'}\n`);
  const shown = layers.filter(({ status, sqnr }) => status !== 'same' || typeof sqnr === 'number');
  const rows = shown.map(({ name, opType, status, decisions, scales, codes, sqnr }) => [
    name,
    opType,
    status,
    sqnr === undefined ? '' : sqnr === null ? 'equal' : sqnr.toFixed(1),
    [
      ...decisions,
      ...scales.map(
        ({ of, channels, differing, ratioLow, ratioHigh }) =>
          `${of}: ${differing} of ${channels} scales, times ${ratioLow.toPrecision(3)} to ${ratioHigh.toPrecision(3)}`,
      ),
      ...(codes !== undefined && codes.differing > 0 ? [`${codes.differing} of ${codes.total} codes`] : []),
    ].join('; '),
  ]);
  if (rows.length > 0)
    lines.push(table([['layer', 'operator', 'status', 'SQNR dB', 'what differs'], ...rows]));
  const changed = layers.filter(({ status }) => status !== 'same').length;
  lines.push(changed === 0 ? 'no layer differs\n' : `${changed} of ${layers.length} layers differ\n`);
  if (outputs !== undefined) {
    const { samples, agreement, sqnr, largest, correct } = outputs;
    lines.push(
      `outputs: same answer for ${agreement}/${samples}, SQNR ${sqnr === null ? 'infinite (equal)' : `${sqnr.toFixed(1)} dB`}, largest difference ${largest.toPrecision(3)}${correct === undefined ? '' : `, correct ${correct[0]}/${samples} and ${correct[1]}/${samples}`}\n`,
    );
  }
  process.stdout.write(lines.join(''));
}
