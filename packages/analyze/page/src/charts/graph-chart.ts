import type { ChartOption } from '../chart.js';
import type { NodePlace, ReportModel, ReportVariant } from '../document.js';

const BORDER = 1.5;
const NODE = { width: 86, height: 20 };
/** About the size of the plot in pixels, to show the layout in its own size at first. */
const VIEW = { width: 500, height: 420 };

/** The width that a chosen node must lie within on a narrow page too. */
const NARROW = 300;

/** What is drawn: a model, one of its variants, where the nodes are, and which node is chosen. */
export interface GraphView {
  readonly model: ReportModel;
  readonly variant: ReportVariant | undefined;
  readonly places: readonly NodePlace[];
  readonly chosen: string | undefined;
}

/** The network as a graph that can be moved and zoomed: nodes in integers, nodes in float, and the chosen one with a border. */
export function graphOption({ model, variant, places, chosen }: GraphView): ChartOption {
  const float = new Set(variant?.layers.filter((layer) => layer.float !== undefined).map(({ name }) => name));
  const place = new Map(places.map((entry) => [entry.name, entry]));
  const makers = new Map(
    model.nodes.flatMap((node) => node.outputs.map((value) => [value, node.name] as const)),
  );
  const zoom = ownSize(places);
  return (theme) => ({
    series: [
      {
        type: 'graph',
        layout: 'none',
        roam: true,
        scaleLimit: { min: 0.2, max: 40 },
        zoom,
        nodeScaleRatio: 1,
        labelLayout: { hideOverlap: true },
        ...centred(chosen === undefined ? places[0] : place.get(chosen), places),
        symbol: 'roundRect',
        symbolSize: [NODE.width / zoom, NODE.height / zoom],
        edgeSymbol: ['none', 'arrow'],
        edgeSymbolSize: 5,
        lineStyle: { color: theme.faint, width: 1 },
        data: model.nodes.map((node) => ({
          name: node.name,
          x: place.get(node.name)?.x ?? 0,
          y: place.get(node.name)?.y ?? 0,
          itemStyle: {
            color: theme.surface,
            borderColor:
              node.name === chosen ? theme.text : float.has(node.name) ? theme.float : theme.integer,
            borderWidth: node.name === chosen ? 3 : BORDER,
          },
          label: { show: true, formatter: node.opType, color: theme.text, fontSize: 11 },
          tooltip: { formatter: node.name },
        })),
        links: model.nodes.flatMap((node) =>
          node.inputs
            .filter((value) => makers.has(value))
            .map((value) => ({ source: makers.get(value)!, target: node.name })),
        ),
      },
    ],
    tooltip: { show: true },
  });
}

/** What the plot is centred on: a node, or so far beside it that no half of the plot is empty at the graph's end. */
function centred(place: NodePlace | undefined, places: readonly NodePlace[]): { center?: number[] } {
  if (place === undefined) return {};
  return {
    center: [
      held(place.x, rangeOf(places.map(({ x }) => x)), NARROW / 2),
      held(place.y, rangeOf(places.map(({ y }) => y)), VIEW.height / 2),
    ],
  };
}

type Range = readonly [low: number, high: number];

/** A coordinate held at least half a view from both ends; the middle of what is smaller than the view. */
function held(value: number, [low, high]: Range, half: number): number {
  const margin = Math.min(half - NODE.height, (high - low) / 2);
  return Math.min(Math.max(value, low + margin), high - margin);
}

function rangeOf(values: readonly number[]): Range {
  return values.reduce<Range>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/** The zoom at which the layout's units are about pixels. */
function ownSize(places: readonly NodePlace[]): number {
  const extent = (values: readonly number[]): number => {
    const [low, high] = rangeOf(values);
    return high - low;
  };
  const width = extent(places.map(({ x }) => x)) / VIEW.width;
  return Math.max(1, width, extent(places.map(({ y }) => y)) / VIEW.height);
}
