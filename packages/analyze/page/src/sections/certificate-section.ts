import type { ReportVariant } from '../document.js';
import { h, table } from '../dom.js';
import { short } from '../format.js';

/** What the runtime really executes, why some of it is float, and where 16-bit pairs can saturate. */
export function certificateSection(certificate: NonNullable<ReportVariant['certificate']>): HTMLElement {
  const { integer, total, time } = certificate;
  const unsafe = certificate.saturation.filter(({ safe }) => !safe);
  return h(
    'div',
    {},
    h('p', {}, `${integer} of ${total} nodes run in integers in ${certificate.runtime}.`),
    time
      ? h(
          'p',
          {},
          `${(1000 * time.quantized.medianSeconds).toFixed(2)} ms a batch of ${time.batch}${
            time.ratio === undefined
              ? ''
              : `; float takes ${short(time.ratio)} times as long (quartiles ${short(time.ratioLow!)} to ${short(time.ratioHigh!)})`
          }.`,
        )
      : undefined,
    h(
      'p',
      {},
      unsafe.length === 0
        ? 'No layer can saturate 16-bit pair sums.'
        : `${unsafe.length} layers can saturate 16-bit pair sums on processors without VNNI.`,
    ),
    h(
      'details',
      {},
      h('summary', {}, 'Node by node'),
      table(
        'The kernel that runs each node',
        ['node', 'operator', 'runs in', 'kernel', 'why'],
        certificate.nodes.map((node) => [node.name, node.opType, node.runs, node.kernel, node.reason ?? '']),
      ),
    ),
    h(
      'details',
      {},
      h('summary', {}, 'Worst pairs'),
      table(
        'The largest sum of two products in 16 bits',
        ['layer', 'worst pair', 'limit', 'weight codes', 'safe'],
        certificate.saturation.map((risk) => [
          risk.node,
          String(risk.worstPair),
          String(risk.limit),
          risk.codes.join(', '),
          risk.safe ? 'yes' : 'no',
        ]),
      ),
    ),
  );
}
