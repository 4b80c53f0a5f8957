import { BitwrightError } from '@bitwright/core';
import type { OutputTrace } from '@bitwright/simulate';
import { Command } from 'commander';
import type { TraceWords } from '../trace-model.js';
import { printJson, table } from './print.js';

interface TraceFlags extends TraceWords {
  readonly json?: boolean;
}

/** `bitwright trace`. */
export function traceCommand(): Command {
  return new Command('trace')
    .description('the integer arithmetic of one output element, product by product')
    .argument('<model>', 'a quantized ONNX file')
    .argument('[node]', 'a convolution or product with constant weights; left out, some are named')
    .option('--output <index>', 'the element, e.g. 0,3,5,5')
    .option('--data <card>', 'data card of the samples')
    .option('--sample <k>', 'which sample, from 0 on (default 0)')
    .option('--hardware <name|file>', 'what the arithmetic runs on (default: exact 32-bit sums)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  bitwright trace model.w4a4.onnx /conv1/Conv --output 0,3,5,5 --data test.json --sample 7\n',
    )
    .action(async (model: string, node: string | undefined, flags: TraceFlags) => {
      const { data, hardware } = flags;
      const { nodeMissing, traceModel } = await import('../trace-model.js');
      if (node === undefined) throw await nodeMissing(model, flags);
      if (flags.output === undefined)
        throw missing('--output', 'which element is followed', '--output 0,3,5,5');
      if (data === undefined) throw missing('--data', 'which samples there are', '--data test.json');
      const output = flags.output.split(',').map(Number);
      const sample = wholeNumber('--sample', flags.sample ?? '0');
      const options = { node, output, data, sample, ...(hardware !== undefined && { hardware }) };
      const trace = await traceModel(model, options);
      if (flags.json === true) printJson(trace);
      else process.stdout.write(describeTrace(trace));
    });
}

/** A trace as a table that a person can follow. */
export function describeTrace(trace: OutputTrace): string {
  const { inputGrid, weights, zeroPointTerms: terms } = trace;
  const rows = trace.products.map((one) => [
    one.tap.length === 0 ? String(one.channel) : `${one.channel} (${one.tap.join(',')})`,
    one.isPadding ? `${one.inputCode} pad` : String(one.inputCode),
    String(one.weightCode),
    String(one.product),
    String(one.sum),
    String(one.bits),
  ]);
  const head = ['channel', 'q_x', 'q_w', '(q_x-z_x)(q_w-z_w)', 'sum', 'bits'];
  const lines = [
    `${trace.layer} (${trace.opType}), output [${trace.output.join(', ')}]`,
    `s_x ${inputGrid.scale}, z_x ${inputGrid.zeroPoint}; s_w ${weights.scale}, z_w ${weights.zeroPoint}`,
    '',
    table([head, ...rows]),
    `raw sum of q_x q_w                ${terms.raw}`,
    `- z_x sum of q_w                  ${terms.inputZero}`,
    `- z_w sum of q_x                  ${terms.weightZero}`,
    `+ K z_x z_w                       ${terms.both}`,
    `= accumulator                     ${trace.accumulator}`,
    `in a register of ${String(trace.accumulatorBits).padStart(2)} bits          ${trace.held}`,
    `bias                              ${trace.bias}`,
    `with bias                         ${trace.biased}`,
  ];
  if (trace.requantize !== undefined) {
    lines.push(
      `requantization                    ${trace.requantize.kind}: ${trace.requantize.multiplier}`,
      `(acc + bias) s_x s_w / s_y + z_y  ${trace.unrounded}`,
      `rounded, held in ${`${trace.range![0]}..${trace.range![1]}`.padEnd(16)} ${trace.code}`,
    );
  }
  lines.push(
    `stands for                        ${trace.value}`,
    `the sum in real numbers           ${trace.exact}`,
    '',
  );
  return lines.join('\n');
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message: `${option} must be a whole number from 0 on.`,
    hint: `Write for example ${option} 7.`,
    at: { option },
    kind: 'usage',
  });
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
