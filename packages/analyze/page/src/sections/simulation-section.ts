import { chart } from '../chart.js';
import { accumulatorOption, curveOption, noisySources, sourcesOption } from '../charts/simulation-charts.js';
import type { ReportSimulation } from '../document.js';
import { h, section, table } from '../dom.js';
import { decibels, fileName, percent } from '../format.js';
import { traceTable } from './trace-table.js';

/** A model on a hardware: accuracy over seeds, sensitivity curves, accumulators and noise of each layer, and the arithmetic of an output. */
export function simulationSection(simulation: ReportSimulation, index: number): HTMLElement {
  const { hardware, layers, curves, float } = simulation;
  const sources = [...new Set(layers.flatMap(({ snr }) => Object.keys(snr ?? {})))];
  const { noisy, exact } = noisySources(simulation, sources);
  return section(
    `simulation-${index}`,
    `${fileName(simulation.model)} on ${hardware.name}`,
    h('p', {}, counted(simulation)),
    hardware.description === undefined ? undefined : h('p', {}, hardware.description),
    h(
      'details',
      {},
      h('summary', {}, 'The hardware'),
      h('pre', {}, hardware.json),
      ...(hardware.sources ?? []).map((source) => h('p', {}, source)),
    ),
    ...curves.map((curve) => chart(`Accuracy against ${curve.parameter}`, 340, curveOption(curve)).element),
    curves.length > 0
      ? h('details', {}, h('summary', {}, 'Every figure of the curves'), figures(simulation))
      : undefined,
    h('h3', {}, 'Accumulators'),
    h(
      'p',
      {},
      'Bits of a signed register that holds every partial sum of zero-point-centred products, the bias apart.',
    ),
    chart('Accumulator bits of each layer', 360, accumulatorOption(simulation)).element,
    sources.length > 0 ? h('h3', {}, 'What each source of error does') : undefined,
    sources.length > 0
      ? h(
          'p',
          {},
          `Signal-to-noise ratio of the codes against exact sums, each source alone and all together; the layers before have erred as well.${exact.length === 0 ? '' : ` Without any effect in any layer: ${exact.join(', ')}.`}`,
        )
      : undefined,
    noisy.length > 0
      ? chart('Noise of each layer by source', 360, sourcesOption(simulation, noisy)).element
      : undefined,
    h('details', {}, h('summary', {}, 'Layer by layer'), layerTable(simulation, sources)),
    float.length > 0
      ? table(
          'Operators that stay float',
          ['node', 'operator', 'code', 'reason'],
          float.map(({ name, opType, code, reason }) => [name, opType, code, reason]),
        )
      : undefined,
    ...simulation.traces.map(traceTable),
  );
}

function counted({ correct, total, mean, deviation, convention, engine, layers }: ReportSimulation): string {
  const share =
    correct.length === 1
      ? `${correct[0]}/${total} (${percent(correct[0]!, total).toFixed(2)} %)`
      : `mean ${mean.toFixed(1)} of ${total}, deviation ${deviation.toFixed(1)} over ${correct.length} seeds (${correct.join(', ')})`;
  const overflows = layers.reduce((sum, layer) => sum + layer.overflows, 0);
  const ran = engine === 'onnx' ? 'run as integer ONNX operators' : 'run by the interpreter';
  return `${share} right; ${overflows} overflows. ${convention}; ${ran}.`;
}

function figures({ curves }: ReportSimulation): HTMLElement {
  const rows = curves.flatMap(({ parameter, points }) =>
    points.map(({ value, correct, total }) => [
      parameter,
      String(value),
      correct.map((one) => `${one}/${total}`).join(', '),
    ]),
  );
  return table('Right answers of each seed', ['parameter', 'value', 'correct'], rows);
}

function layerTable({ layers }: ReportSimulation, sources: readonly string[]): HTMLElement {
  const head = ['layer', 'operator', 'bits, any input', 'bits, on data', 'register', 'overflows'];
  return table(
    'Accumulators and noise',
    [...head, ...sources.map((source) => `noise of ${source}`)],
    layers.map((layer) => [
      layer.name,
      layer.opType,
      String(layer.accumulatorBits.worstCase),
      String(layer.accumulatorBits.onData),
      String(layer.registerBits),
      String(layer.overflows),
      ...sources.map((source) => decibels(layer.snr?.[source])),
    ]),
  );
}
