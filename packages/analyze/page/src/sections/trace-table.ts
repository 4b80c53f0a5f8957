import type { ReportTrace } from '../document.js';
import { h, table } from '../dom.js';
import { short } from '../format.js';

/** The arithmetic of one output element, product by product and then step by step to its code. */
export function traceTable(trace: ReportTrace): HTMLElement {
  const { inputGrid, weights } = trace;
  return h(
    'details',
    { class: 'trace' },
    h('summary', {}, `The arithmetic of one output: ${trace.layer}, element [${trace.output.join(', ')}]`),
    h(
      'p',
      {},
      `Sample ${trace.sample}; s_x ${short(inputGrid.scale)}, z_x ${inputGrid.zeroPoint}; s_w ${short(weights.scale)}, z_w ${weights.zeroPoint}.`,
    ),
    table(
      'Every product',
      ['channel', 'q_x', 'q_w', '(q_x - z_x)(q_w - z_w)', 'sum', 'bits'],
      trace.products.map((one) => [
        one.tap.length === 0 ? String(one.channel) : `${one.channel} (${one.tap.join(', ')})`,
        one.isPadding ? `${one.inputCode} (padding)` : String(one.inputCode),
        ...[one.weightCode, one.product, one.sum, one.bits].map(String),
      ]),
    ),
    table('From the sum to the code', ['step', 'value'], steps(trace)),
  );
}

function steps(trace: ReportTrace): [string, string][] {
  const { raw, inputZero, weightZero, both } = trace.zeroPointTerms;
  const rows: [string, number | string][] = [
    ['raw sum of q_x q_w', raw],
    ['- z_x sum of q_w', inputZero],
    ['- z_w sum of q_x', weightZero],
    ['+ K z_x z_w', both],
    ['= accumulator', trace.accumulator],
    [`in a register of ${trace.accumulatorBits} bits`, trace.held],
    ['bias', trace.bias],
    ['with bias', trace.biased],
  ];
  if (trace.requantize !== undefined && trace.range !== undefined)
    rows.push(
      [`multiplied: ${trace.requantize.kind}`, trace.requantize.multiplier],
      ['(acc + bias) s_x s_w / s_y + z_y', trace.unrounded ?? ''],
      [`rounded, held in ${trace.range.join('..')}`, trace.code ?? ''],
    );
  rows.push(['stands for', short(trace.value)], ['the sum in real numbers', short(trace.exact)]);
  return rows.map(([name, value]) => [name, String(value)]);
}
