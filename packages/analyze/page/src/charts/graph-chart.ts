import type { ChartOption } from '../chart.js';
import type { NodePlace, ReportModel, ReportVariant } from '../document.js';

const BORDER = 1.5;
const NODE = { width: 86, height: 20 };
/** About the size of the plot in pixels, to show the layout in its own size at first. */
const VIEW = { width: 500, height: 420 };

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
        ...centred(chosen === undefined ? places[0] : place.get(chosen)),
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

function centred(place: NodePlace | undefined): { center?: number[] } {
  return place === undefined ? {} : { center: [place.x, place.y] };
}

/** The zoom at which the layout's units are about pixels. */
function ownSize(places: readonly NodePlace[]): number {
  const extent = (values: readonly number[]): number =>
    values.reduce((most, value) => Math.max(most, value), 0) -
    values.reduce((least, value) => Math.min(least, value), 0);
  const width = extent(places.map(({ x }) => x)) / VIEW.width;
  return Math.max(1, width, extent(places.map(({ y }) => y)) / VIEW.height);
}
