import type { BackendConfig } from '@bitwright/backends';
import { constantTensor, type Graph, type OpNode } from '@bitwright/graph';
import { planLayers } from '../layer-plan.js';
import type { QConfig, QConfigResolver } from '../qconfig.js';

/** A layer with weights, and the configurations that it may have, by the width of the weights. */
export interface WidthChoices {
  /** The name by which a mapping chooses the layer. */
  readonly name: string;
  readonly anchor: OpNode;
  readonly weightInput: number;
  /** Number of weights. */
  readonly weights: number;
  /** As asked for, ascending by width; a single one where a mapping or the table fixes it. */
  readonly configs: ReadonlyMap<number, QConfig>;
}

/**
 * Which widths each layer may have: those that it gets when all layers are asked for that width. What a mapping, or a
 * table's rule for the first and last layer, decides stays as decided, and what stays float is left out. Edits nothing.
 *
 * @param resolverFor the configuration with this width of weights where nothing stronger says another.
 */
export function widthChoices(
  graph: Graph,
  backend: BackendConfig,
  widths: readonly number[],
  resolverFor: (weights: number) => QConfigResolver,
): WidthChoices[] {
  const found = new Map<OpNode, WidthChoices & { readonly configs: Map<number, QConfig> }>();
  for (const width of widths)
    for (const { anchor, nodes, weightInput, requested } of planLayers(graph, backend, resolverFor(width))
      .layers) {
      if (weightInput === undefined) continue;
      const held = found.get(anchor) ?? {
        name: nodes[0]!.displayName,
        anchor,
        weightInput,
        weights: constantTensor(anchor.inputs[weightInput])!.dims.reduce(
          (product, size) => product * size,
          1,
        ),
        configs: new Map<number, QConfig>(),
      };
      held.configs.set(requested.weights, requested);
      found.set(anchor, held);
    }
  return [...found.values()];
}
