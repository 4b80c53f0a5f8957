import { chart } from '../chart.js';
import { accuracyOption } from '../charts/accuracy-chart.js';
import { heatMapOption, isGrid } from '../charts/heat-map.js';
import type { ReportDocument } from '../document.js';
import { h, section, table } from '../dom.js';
import { fileName, ratio, short } from '../format.js';

type Sweep = NonNullable<ReportDocument['sweep']>;

/** Accuracy of every model at every width, with the tests between models. */
export function sweepSection(sweep: Sweep): HTMLElement {
  const synthetic = sweep.evaluation.synthetic || sweep.calibration.synthetic;
  return section(
    'accuracy',
    'Accuracy and width',
    h(
      'p',
      {},
      `Correct of ${sweep.evaluation.samples} samples (top-1), ${sweep.calibration.samples} calibration samples, quantizers simulated exactly. Whiskers are Wilson 95 % intervals; dashed lines are the float models.`,
    ),
    synthetic
      ? h('p', { class: 'warning' }, 'The samples are made up: no figure here says anything about a model.')
      : undefined,
    chart('Accuracy against width', 420, accuracyOption(sweep)).element,
    ...maps(sweep),
    h('details', {}, h('summary', {}, 'Every figure'), figures(sweep)),
    sweep.comparisons.length > 0
      ? h('details', {}, h('summary', {}, 'Tests between models (McNemar)'), comparisons(sweep))
      : undefined,
  );
}

function maps(sweep: Sweep): HTMLElement[] {
  if (!isGrid(sweep.runs)) return [];
  const groups = Map.groupBy(
    sweep.runs,
    ({ model, scheme, method }) => `${fileName(model)}, ${scheme}, ${method}`,
  );
  return [...groups].map(
    ([name, runs]) => chart(`Weights and activations apart: ${name}`, 380, heatMapOption(runs)).element,
  );
}

function figures(sweep: Sweep): HTMLElement {
  const interval = (range: { low: number; high: number } | undefined): string =>
    range === undefined ? '' : `${(100 * range.low).toFixed(2)} to ${(100 * range.high).toFixed(2)} %`;
  const floats = sweep.floats.map((float) => [
    fileName(float.model),
    'float',
    '',
    '',
    ratio(float.correct, float.total),
    interval(float.interval),
    '',
    '',
  ]);
  const runs = sweep.runs.map((run) => [
    fileName(run.model),
    run.bits,
    run.scheme,
    run.method,
    run.error === undefined ? ratio(run.correct, run.total) : `${run.error.code}: ${run.error.message}`,
    interval(run.interval),
    ratio(run.agreement, run.total),
    run.divergence === undefined ? '' : short(run.divergence),
  ]);
  const head = ['model', 'widths', 'scheme', 'method', 'correct', '95 % interval', 'as float', 'KL, nats'];
  return table('Counts with Wilson 95 % intervals', head, [...floats, ...runs]);
}

function comparisons(sweep: Sweep): HTMLElement {
  return table(
    'Two models on the same samples: how many only one of them gets right',
    ['widths', 'first', 'second', 'only first', 'only second', 'exact p', 'mid-p'],
    sweep.comparisons.map((test) => [
      [test.bits, test.scheme, test.method].filter(Boolean).join(', '),
      fileName(test.first),
      fileName(test.second),
      String(test.onlyFirst),
      String(test.onlySecond),
      short(test.exact),
      short(test.midP),
    ]),
  );
}
