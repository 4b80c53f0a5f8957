import type { CertificateDocument } from '@bitwright/analyze';
import { Command } from 'commander';
import { positiveInteger } from '../quantize-options.js';
import { EXIT, type Outcome } from './exit-codes.js';
import { printJson, printWarnings, table } from './print.js';

interface CertifyFlags {
  readonly time?: boolean;
  readonly require?: string;
  readonly threads?: string;
  readonly json?: boolean;
}

/** `bitwright certify`. */
export function certifyCommand(signal: AbortSignal, outcome: Outcome): Command {
  return new Command('certify')
    .description('what the runtime really executes in integers, and why the rest is float')
    .argument('<model>', 'an ONNX file')
    .option('--time', 'time the model, and the float one that it stands for in turn with it')
    .option('--require <share>', 'exit with code 3 when fewer nodes run in integers, as integer=95%')
    .option('--threads <n>', "threads of the timed sessions (default the runtime's choice)")
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  bitwright certify model.w8a8.onnx --require integer=95%\n')
    .action(async (model: string, flags: CertifyFlags) => {
      const { certify } = await import('../certify.js');
      const { time, require, threads } = flags;
      const document = await certify(
        model,
        {
          ...(time !== undefined && { time }),
          ...(require !== undefined && { require }),
          ...(threads !== undefined && { threads: positiveInteger('--threads', Number(threads)) }),
        },
        { signal },
      );
      if (document.error !== undefined) outcome.code = EXIT.budgetMissed;
      if (flags.json === true) printJson(document);
      else print(document);
    });
}

function print(document: CertificateDocument): void {
  const rows = document.nodes.map(({ name, opType, runs, kernel, code, reason }) => [
    name,
    opType,
    runs,
    kernel,
    code === undefined ? '' : `${code}: ${reason}`,
  ]);
  const share = document.total === 0 ? 0 : (100 * document.integer) / document.total;
  const lines = [
    table([['node', 'operator', 'runs', 'kernel', 'why'], ...rows]),
    `${document.integer} of ${document.total} nodes run in integers (${share.toFixed(1)} %), ${document.runtime}\n`,
  ];
  for (const { node, worstPair, codes, largestInput, safe } of document.saturation) {
    if (!safe)
      lines.push(
        `saturation: ${node}: ${largestInput} x (${codes[0]} + ${codes[1]}) = ${worstPair} does not fit into 16 bits, so CPUs without VNNI clip it\n`,
      );
  }
  if (document.saturation.length > 0 && document.saturation.every(({ safe }) => safe))
    lines.push('no layer can saturate 16-bit pairs\n');
  if (document.time !== undefined) lines.push(timeLine(document.time));
  printWarnings(document.diagnostics ?? []);
  process.stdout.write(lines.join(''));
  if (document.error !== undefined)
    process.stderr.write(`${document.error.code}: ${document.error.message}\n  ${document.error.hint}\n`);
}

function timeLine(time: NonNullable<CertificateDocument['time']>): string {
  const ms = (seconds: number): string => (1000 * seconds).toFixed(2);
  const of = ({ medianSeconds, lowSeconds, highSeconds }: typeof time.quantized): string =>
    `${ms(medianSeconds)} ms (${ms(lowSeconds)} to ${ms(highSeconds)})`;
  if (time.float === undefined) return `batch ${time.batch}: ${of(time.quantized)}\n`;
  const [ratio, low, high] = [time.ratio!, time.ratioLow!, time.ratioHigh!].map((value) => value.toFixed(2));
  return `batch ${time.batch}: float ${of(time.float)}, quantized ${of(time.quantized)}; float over quantized ${ratio} (${low} to ${high}), medians and quartiles of ${time.rounds} rounds in turn\n`;
}
