import { axis, type ChartOption } from '../chart.js';
import type { ReportTensor } from '../document.js';
import { short } from '../format.js';

/** The distribution of an activation tensor, with the lines beyond which values are clipped. */
export function histogramOption(tensor: ReportTensor): ChartOption {
  const bars = tensor.counts.map((count, i) => [tensor.edges[i]!, tensor.edges[i + 1]!, count]);
  return (theme) => ({
    grid: { left: 62, right: 16, top: 28, bottom: 52 },
    tooltip: {},
    xAxis: axis(theme, 'value', { type: 'value', scale: true }),
    yAxis: axis(theme, 'how often', { type: 'log', logBase: 10, min: 0.5, nameGap: 46 }),
    series: [
      {
        type: 'custom',
        data: bars.filter(([, , count]) => count! > 0),
        encode: { x: [0, 1], y: 2, tooltip: [0, 1, 2] },
        renderItem: (_, api) => {
          const [left = 0, top = 0] = api.coord([api.value(0), api.value(2)]);
          const [right = 0, bottom = 0] = api.coord([api.value(1), 0.5]);
          const shape = { x: left, y: top, width: Math.max(1, right - left - 0.5), height: bottom - top };
          return { type: 'rect', shape, style: { fill: theme.series[0]! } };
        },
        markLine: {
          symbol: 'none',
          lineStyle: { color: theme.series[1]!, type: 'dashed' },
          label: { color: theme.text, formatter: ({ value }) => short(Number(value)) },
          data: [{ xAxis: tensor.low }, { xAxis: tensor.high }],
        },
      },
    ],
  });
}

/** How often each code of an activation tensor is used. */
export function codesOption(tensor: ReportTensor): ChartOption {
  return (theme) => ({
    grid: { left: 62, right: 16, top: 16, bottom: 52 },
    tooltip: { trigger: 'axis' },
    xAxis: axis(theme, 'code', {
      type: 'category',
      data: tensor.codes.map((_, i) => String(tensor.quantMin + i)),
    }),
    yAxis: axis(theme, 'how often', { type: 'log', min: 0.5, nameGap: 46 }),
    series: [
      { type: 'bar', data: tensor.codes.map((count) => (count === 0 ? null : count)), barCategoryGap: '10%' },
    ],
  });
}
