import type { EChartsOption } from 'echarts';
import { BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts';
import {
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from 'echarts/components';
import { type EChartsType, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { h } from './dom.js';
import { currentTheme, type Theme } from './theme.js';

use([
  BarChart,
  CustomChart,
  GraphChart,
  HeatmapChart,
  LineChart,
  ScatterChart,
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
  SVGRenderer,
]);

/** What a plot shows, in the colours of a look. */
export type ChartOption = (theme: Theme) => EChartsOption;

/** A plot in the page: what it shows can change, and its element can be put anywhere. */
export interface Chart {
  readonly element: HTMLElement;
  readonly echarts: EChartsType;
  show(option: ChartOption): void;
}

/**
 * Makes a plot that follows the page's width and look, with a button that saves it as SVG for a paper.
 *
 * @param label what the plot shows, for readers who don't see it.
 */
export function chart(label: string, height: number, option?: ChartOption): Chart {
  const canvas = h('div', { class: 'plot', role: 'img', 'aria-label': label, style: `height:${height}px` });
  const echarts = init(canvas, undefined, { renderer: 'svg', width: 900, height });
  const save = h(
    'button',
    { class: 'save', type: 'button', onclick: () => saveSvg(echarts, label) },
    'Save as SVG',
  );
  let shown = option;
  let rows = 1;
  const draw = (): void => {
    if (shown === undefined) return;
    const next = dressed(shown(currentTheme()));
    rows = legendRows(next, echarts.getWidth());
    echarts.setOption(withRoom(next, rows), { notMerge: true });
  };
  draw();
  document.addEventListener('themechange', draw);
  new ResizeObserver(() => {
    if (canvas.clientWidth === 0) return;
    echarts.resize({ width: canvas.clientWidth, height });
    // not at every width: drawing anew forgets how far a reader has zoomed
    if (shown !== undefined && legendRows(shown(currentTheme()), canvas.clientWidth) !== rows) draw();
  }).observe(canvas);
  return {
    element: h('figure', {}, canvas, h('figcaption', {}, label, ' ', save)),
    echarts,
    show(next) {
      shown = next;
      draw();
    },
  };
}

function dressed(option: EChartsOption): EChartsOption {
  const theme = currentTheme();
  return {
    animation: false,
    textStyle: { color: theme.text, fontFamily: 'system-ui, sans-serif' },
    color: [...theme.series],
    backgroundColor: 'transparent',
    ...option,
  };
}

const LEGEND = { ends: 20, item: 42, letter: 6.7, row: 20 };

/** The rows that a legend wraps into at a width, by about the width of its letters. */
function legendRows({ legend, series }: EChartsOption, width: number): number {
  if (legend === undefined) return 1;
  const names = new Set([series].flat().map((one) => String(one?.name ?? '')));
  let rows = 1;
  let used = LEGEND.ends;
  for (const name of names) {
    const wide = LEGEND.item + name.length * LEGEND.letter;
    if (used + wide > width && used > LEGEND.ends) {
      rows++;
      used = LEGEND.ends;
    }
    used += wide;
  }
  return rows;
}

/** The option with its plot moved down below a legend of several rows. */
function withRoom(option: EChartsOption, rows: number): EChartsOption {
  const { grid } = option;
  if (rows === 1 || grid === undefined || Array.isArray(grid) || typeof grid.top !== 'number') return option;
  return { ...option, grid: { ...grid, top: grid.top + (rows - 1) * LEGEND.row } };
}

/** An axis in the page's colours. */
export function axis(theme: Theme, name: string, more: object = {}): object {
  return {
    name,
    nameLocation: 'middle',
    nameGap: 34,
    nameTextStyle: { color: theme.text },
    axisLabel: { color: theme.faint },
    axisLine: { lineStyle: { color: theme.faint } },
    splitLine: { lineStyle: { color: theme.line } },
    ...more,
  };
}

function saveSvg(echarts: EChartsType, label: string): void {
  const link = h('a', {
    href: echarts.getDataURL({ type: 'svg' }),
    download: `${label.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()}.svg`,
  });
  link.click();
}
