import { axis, type ChartOption } from '../chart.js';
import type { ReportLayer } from '../document.js';

/** The weights of a layer, channel by channel: their range, what the grid reaches, the noise of rounding and that of the output. */
export function channelsOption(
  weights: NonNullable<ReportLayer['weights']>,
  output: ReportLayer['channels'],
): ChartOption {
  const channels = weights.min.map((_, i) => String(i));
  const at = (list: readonly number[], i: number): number => list[list.length === 1 ? 0 : i]!;
  const reach = (end: number) =>
    channels.map((_, i) => (end - at(weights.zeroPoint, i)) * at(weights.scale, i));
  const outputs = [
    ['output alone', output?.isolated] as const,
    ['output with all before it', output?.cumulative] as const,
  ].flatMap(([name, values]) => (values?.length === channels.length ? [[name, values] as const] : []));
  return (theme) => {
    const line = (name: string, data: readonly (number | null)[], color: string, more: object = {}) => ({
      type: 'line' as const,
      name,
      data: [...data],
      color,
      symbol: 'none',
      ...more,
    });
    const dashed = { lineStyle: { type: 'dashed' as const } };
    return {
      grid: { left: 62, right: 62, top: 40, bottom: 60 },
      legend: { textStyle: { color: theme.text }, top: 2 },
      tooltip: { trigger: 'axis' },
      dataZoom: channels.length > 128 ? [{ type: 'slider', height: 14, bottom: 4 }] : [],
      xAxis: axis(theme, 'channel', { type: 'category', data: channels }),
      yAxis: [
        axis(theme, 'weight', { type: 'value', nameGap: 44 }),
        axis(theme, 'SQNR, dB', { type: 'value', nameGap: 38, splitLine: { show: false } }),
      ],
      series: [
        line('largest', weights.max, theme.series[0]!),
        line('smallest', weights.min, theme.series[2]!),
        line('highest code', reach(weights.quantMax), theme.series[0]!, dashed),
        line('lowest code', reach(weights.quantMin), theme.series[2]!, dashed),
        line('SQNR', weights.sqnr, theme.series[1]!, { yAxisIndex: 1 }),
        ...outputs.map(([name, values]) =>
          line(name, values, theme.series[1]!, {
            yAxisIndex: 1,
            lineStyle: { type: 'dotted', opacity: 0.7 },
          }),
        ),
      ],
    };
  };
}
