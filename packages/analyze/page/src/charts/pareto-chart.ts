import { axis, type ChartOption } from '../chart.js';
import type { ParetoPoint } from '../document.js';
import { decibels, formatBytes, percent, ratio } from '../format.js';

/** What the plot of points against size can show. */
export type Measure = 'accuracy' | 'quality';

/** The points that have a measure. */
export function measured(points: readonly ParetoPoint[], measure: Measure): readonly ParetoPoint[] {
  return points.filter((point) => (measure === 'accuracy' ? point.correct : point.quality) !== undefined);
}

/** Accuracy, or the predicted quality, against the size of the weights; mixed assignments stand beside uniform widths. */
export function paretoOption(all: readonly ParetoPoint[], measure: Measure): ChartOption {
  const points = measured(all, measure);
  const height = (point: ParetoPoint): number =>
    measure === 'accuracy' ? percent(point.correct!, point.total!) : point.quality!;
  const series = (name: string, mixed: boolean) => ({
    type: 'scatter' as const,
    name,
    symbol: mixed ? 'diamond' : 'circle',
    symbolSize: 11,
    label: { show: true, formatter: '{b}', position: 'right' as const },
    labelLayout: { hideOverlap: true },
    data: points
      .filter((point) => point.mixed === mixed)
      .map((point) => ({
        name: point.label,
        value: [point.bytes, height(point)],
        detail: [
          `${point.label}: ${formatBytes(point.bytes)}`,
          ratio(point.correct, point.total),
          point.quality === undefined ? '' : decibels(point.quality),
          point.file ?? '',
        ]
          .filter((part) => part !== '')
          .join(', '),
      })),
  });
  return (theme) => ({
    grid: { left: 62, right: 60, top: 40, bottom: 56 },
    legend: { textStyle: { color: theme.text }, top: 2 },
    tooltip: { formatter: (item) => (item as unknown as { data: { detail: string } }).data.detail },
    xAxis: axis(theme, 'weights, packed', {
      type: 'value',
      scale: true,
      axisLabel: { color: theme.faint, formatter: formatBytes },
    }),
    yAxis: axis(theme, measure === 'accuracy' ? 'top-1, %' : 'predicted SQNR, dB', {
      type: 'value',
      scale: true,
      nameGap: 42,
    }),
    series: [series('one width', false), series('mixed', true)],
  });
}
