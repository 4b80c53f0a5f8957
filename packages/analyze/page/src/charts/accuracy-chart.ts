import type { CustomSeriesOption } from 'echarts';
import { axis, type ChartOption } from '../chart.js';
import type { ReportDocument } from '../document.js';
import { fileName, percent, ratio } from '../format.js';

type Sweep = NonNullable<ReportDocument['sweep']>;

/** Accuracy against width, a line for each model, scheme and method, with Wilson intervals; the float accuracy is dashed. */
export function accuracyOption(sweep: Sweep): ChartOption {
  const widths = [...new Set(sweep.runs.map(({ bits }) => bits))];
  const lines = Map.groupBy(sweep.runs, ({ model, scheme, method }) => [model, scheme, method].join('\n'));
  const one = new Set(sweep.runs.map(({ scheme, method }) => `${scheme}, ${method}`)).size === 1;
  return (theme) => ({
    grid: { left: 62, right: 24, top: 48, bottom: 56 },
    legend: { textStyle: { color: theme.text }, top: 4 },
    tooltip: { trigger: 'item' },
    xAxis: axis(theme, 'width of weights and activations', { type: 'category', data: widths }),
    yAxis: axis(theme, 'top-1, %', { type: 'value', min: 0, max: 100, nameGap: 42 }),
    series: [...lines].flatMap(([key, runs], index) => {
      const [model = '', scheme = '', method = ''] = key.split('\n');
      const name = one ? fileName(model) : `${fileName(model)}, ${scheme}, ${method}`;
      const color = theme.series[index % theme.series.length]!;
      const float = sweep.floats.find((entry) => entry.model === model);
      const found = runs.filter(({ correct }) => correct !== undefined);
      return [
        {
          type: 'line' as const,
          name,
          color,
          symbolSize: 8,
          data: found.map((run) => ({
            name: `${name} ${run.bits}: ${ratio(run.correct, run.total)}`,
            value: [run.bits, percent(run.correct!, run.total!)],
          })),
          tooltip: { formatter: '{b}' },
          ...(float && {
            markLine: {
              symbol: 'none',
              lineStyle: { color, type: 'dashed' as const, opacity: 0.6 },
              label: { show: false },
              data: [
                {
                  yAxis: percent(float.correct, float.total),
                  name: `float ${ratio(float.correct, float.total)}`,
                },
              ],
            },
          }),
        },
        {
          type: 'custom' as const,
          name,
          color,
          silent: true,
          data: found
            .filter(({ interval }) => interval !== undefined)
            .map((run) => [run.bits, 100 * run.interval!.low, 100 * run.interval!.high]),
          renderItem: whisker(color),
        },
      ];
    }),
  });
}

/** An interval as a vertical line with feet. */
function whisker(color: string): NonNullable<CustomSeriesOption['renderItem']> {
  return (_, api) => {
    const [x = 0, low = 0] = api.coord([api.value(0), api.value(1)]);
    const [, high = 0] = api.coord([api.value(0), api.value(2)]);
    const line = (x1: number, y1: number, x2: number, y2: number) => ({
      type: 'line' as const,
      shape: { x1, y1, x2, y2 },
      style: { stroke: color, lineWidth: 1.5 },
    });
    return {
      type: 'group' as const,
      children: [line(x, low, x, high), line(x - 4, low, x + 4, low), line(x - 4, high, x + 4, high)],
    };
  };
}
