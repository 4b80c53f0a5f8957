import { axis, type ChartOption } from '../chart.js';
import type { ReportVariant } from '../document.js';

/** Signal-to-noise ratio of each layer's output: alone (only this layer quantized) and with everything before it quantized. */
export function sqnrOption(variant: ReportVariant): ChartOption {
  const layers = variant.layers.filter(
    (layer) => layer.isolated !== undefined || layer.cumulative !== undefined,
  );
  const series = (name: string, pick: 'isolated' | 'cumulative') => ({
    type: 'bar' as const,
    name,
    data: layers.map((layer) => layer[pick] ?? null),
  });
  return (theme) => ({
    grid: { left: 56, right: 16, top: 40, bottom: 96 },
    legend: { textStyle: { color: theme.text }, top: 2 },
    tooltip: {
      trigger: 'axis',
      valueFormatter: (value) => (value == null ? '' : `${Number(value).toFixed(1)} dB`),
    },
    dataZoom: layers.length > 40 ? [{ type: 'slider', height: 16, bottom: 4 }] : [],
    xAxis: axis(theme, '', {
      type: 'category',
      data: layers.map(({ name }) => name),
      axisLabel: { color: theme.faint, rotate: 50, width: 90, overflow: 'truncate' },
    }),
    yAxis: axis(theme, 'SQNR, dB', { type: 'value', nameGap: 38 }),
    series: [series('alone', 'isolated'), series('with all before it', 'cumulative')],
  });
}
