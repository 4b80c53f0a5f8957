import { axis, type ChartOption } from '../chart.js';
import type { ReportDocument } from '../document.js';
import { percent, ratio } from '../format.js';

type Run = NonNullable<ReportDocument['sweep']>['runs'][number];

/** The widths of `W4A6`. */
export function widthsOf(bits: string): { weights: number; activations: number } {
  const match = /^W(\d+)A(\d+)$/.exec(bits);
  return { weights: Number(match?.[1]), activations: Number(match?.[2]) };
}

/** True when weights and activations vary apart, so that a map of both says more than a line. */
export function isGrid(runs: readonly Run[]): boolean {
  return runs.some(({ bits }) => widthsOf(bits).weights !== widthsOf(bits).activations);
}

/** Accuracy of one model over weight and activation widths. */
export function heatMapOption(runs: readonly Run[]): ChartOption {
  const sorted = (pick: 'weights' | 'activations') =>
    [...new Set(runs.map(({ bits }) => widthsOf(bits)[pick]))].sort((a, b) => a - b).map(String);
  const [weights, activations] = [sorted('weights'), sorted('activations')];
  return (theme) => ({
    grid: { left: 62, right: 90, top: 16, bottom: 56 },
    tooltip: { formatter: '{b}' },
    xAxis: axis(theme, 'activation bits', { type: 'category', data: activations }),
    yAxis: axis(theme, 'weight bits', { type: 'category', data: weights, nameGap: 42 }),
    visualMap: {
      min: 0,
      max: 100,
      right: 0,
      top: 'middle',
      text: ['100 %', '0 %'],
      textStyle: { color: theme.text },
      inRange: { color: [theme.low, theme.high] },
    },
    series: [
      {
        type: 'heatmap',
        data: runs
          .filter(({ correct }) => correct !== undefined)
          .map((run) => {
            const { weights: w, activations: a } = widthsOf(run.bits);
            return {
              name: `${run.bits}: ${ratio(run.correct, run.total)}`,
              value: [String(a), String(w), percent(run.correct!, run.total!)],
            };
          }),
        label: { show: true, formatter: ({ value }) => (value as unknown[])[2] as string },
      },
    ],
  });
}
