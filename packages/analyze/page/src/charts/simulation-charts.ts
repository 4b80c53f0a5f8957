import { axis, type ChartOption } from '../chart.js';
import type { ReportSimulation } from '../document.js';
import { percent } from '../format.js';

type Curve = ReportSimulation['curves'][number];

/** Accuracy against one parameter of the hardware: the mean over the seeds, and every seed as a ring, where there are several. */
export function curveOption(curve: Curve): ChartOption {
  const shares = curve.points.map(({ value, correct, total }) => ({
    value,
    all: correct.map((one) => percent(one, total)),
    text: `${curve.parameter} ${value}: ${correct.join(', ')} of ${total}`,
  }));
  const seeds = shares.flatMap(({ value, all }) => all.map((share) => [String(value), share]));
  return (theme) => ({
    grid: { left: 62, right: 24, top: 40, bottom: 56 },
    legend: { textStyle: { color: theme.text }, top: 4 },
    tooltip: { trigger: 'item' },
    xAxis: axis(theme, curve.parameter, {
      type: 'category',
      data: shares.map(({ value }) => String(value)),
    }),
    yAxis: axis(theme, 'top-1, %', { type: 'value', min: 0, max: 100, nameGap: 42 }),
    series: [
      {
        type: 'line',
        name: 'mean of the seeds',
        symbol: 'circle',
        symbolSize: 5,
        data: shares.map(({ value, all, text }) => ({
          name: text,
          value: [String(value), all.reduce((sum, share) => sum + share, 0) / all.length],
        })),
        tooltip: { formatter: '{b}' },
      },
      ...(shares.some(({ all }) => all.length > 1) ? [rings(theme, seeds)] : []),
    ],
  });
}

/** Seeds stand around the mean and often on each other: rings let both be seen. */
function rings(theme: Parameters<ChartOption>[0], seeds: readonly (string | number)[][]) {
  return {
    type: 'scatter' as const,
    name: 'each seed',
    z: 5,
    symbolSize: 11,
    itemStyle: { color: 'transparent', borderColor: theme.series[1]!, borderWidth: 1.5 },
    data: seeds.map((seed) => [...seed]),
  };
}

/** The sources that change codes somewhere; a line of the others would not be drawn. */
export function noisySources(
  { layers }: ReportSimulation,
  sources: readonly string[],
): { readonly noisy: string[]; readonly exact: string[] } {
  const isNoisy = (source: string): boolean =>
    layers.some(({ snr }) => snr?.[source] !== undefined && snr[source] !== null);
  return {
    noisy: sources.filter(isNoisy),
    exact: sources.filter((source) => !isNoisy(source)),
  };
}

/** Bits of the accumulator of each layer: for any input, on the data, and what the hardware has. */
export function accumulatorOption({ layers }: ReportSimulation): ChartOption {
  return (theme) => ({
    ...frame(layers.length),
    legend: { textStyle: { color: theme.text }, top: 2 },
    tooltip: { trigger: 'axis' },
    xAxis: layerAxis(theme, layers),
    yAxis: axis(theme, 'bits', { type: 'value', nameGap: 38 }),
    series: [
      {
        type: 'bar',
        name: 'needed for any input',
        data: layers.map(({ accumulatorBits }) => accumulatorBits.worstCase),
      },
      {
        type: 'bar',
        name: 'needed on the data',
        data: layers.map(({ accumulatorBits }) => accumulatorBits.onData),
      },
      {
        type: 'line',
        name: "the hardware's register",
        step: 'middle',
        showSymbol: false,
        lineStyle: { type: 'dashed' },
        data: layers.map(({ registerBits }) => registerBits),
      },
    ],
  });
}

/** Signal-to-noise ratio of each layer's codes: a line for each source alone, and one for all together. */
export function sourcesOption({ layers }: ReportSimulation, sources: readonly string[]): ChartOption {
  return (theme) => ({
    ...frame(layers.length),
    legend: { textStyle: { color: theme.text }, top: 2 },
    tooltip: {
      trigger: 'axis',
      valueFormatter: (value) => (value == null ? 'exact' : `${Number(value).toFixed(1)} dB`),
    },
    xAxis: layerAxis(theme, layers),
    yAxis: axis(theme, 'signal to noise, dB', { type: 'value', nameGap: 38 }),
    series: sources.map((source) => ({
      type: 'line' as const,
      name: source,
      symbolSize: 6,
      ...(source === 'all' && { lineStyle: { width: 3 } }),
      data: layers.map(({ snr }) => snr?.[source] ?? null),
    })),
  });
}

function frame(layers: number): object {
  return {
    grid: { left: 56, right: 16, top: 40, bottom: 96 },
    dataZoom: layers > 40 ? [{ type: 'slider', height: 16, bottom: 4 }] : [],
  };
}

function layerAxis(theme: Parameters<ChartOption>[0], layers: ReportSimulation['layers']): object {
  return axis(theme, '', {
    type: 'category',
    data: layers.map(({ name }) => name),
    axisLabel: { color: theme.faint, rotate: 50, width: 90, overflow: 'truncate' },
  });
}
