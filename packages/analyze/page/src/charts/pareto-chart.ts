import { axis, type ChartOption } from '../chart.js';
import type { ParetoPoint } from '../document.js';
import { formatBytes, percent, ratio } from '../format.js';

/** Accuracy (or another quality) against the size of the weights; mixed assignments stand beside uniform widths. */
export function paretoOption(points: readonly ParetoPoint[]): ChartOption {
  const height = (point: ParetoPoint): number =>
    point.correct === undefined ? (point.quality ?? 0) : percent(point.correct, point.total!);
  const counted = points.some(({ correct }) => correct !== undefined);
  const series = (name: string, mixed: boolean) => ({
    type: 'scatter' as const,
    name,
    symbol: mixed ? 'diamond' : 'circle',
    symbolSize: 11,
    label: { show: true, formatter: '{b}', position: 'right' as const },
    data: points
      .filter((point) => point.mixed === mixed)
      .map((point) => ({
        name: point.label,
        value: [point.bytes, height(point)],
        detail: `${point.label}: ${formatBytes(point.bytes)} ${ratio(point.correct, point.total)}`,
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
    yAxis: axis(theme, counted ? 'top-1, %' : 'quality', { type: 'value', scale: true, nameGap: 42 }),
    series: [series('one width', false), series('mixed', true)],
  });
}
